// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "cases.hpp"

namespace qpvo::gpu {

/// Checks the rows whose op or name contains `only`, each as often as there are orders, prints a line for each, and the tally. Large rows are skipped unless `withLarge`.
/// Returns whether all passed, at least one.
bool checkCases(const Table& table, cuda::Context& context, const std::string& only, bool withLarge);

/// Whether op and name together contain the text.
bool isNamed(const Case& row, const std::string& text);

}  // namespace qpvo::gpu
