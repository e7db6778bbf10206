// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "cases.hpp"

namespace qpvo::gpu {

/// Rows for the networks of a model against the results that the training code stored beside it (golden*.safetensors), in every precision that the folder has weights for.
/// @throws Error QPVO_MODEL or QPVO_NOT_FOUND for files that are missing or damaged
void addGoldenCases(Table& table, const std::string& folder);

}  // namespace qpvo::gpu
