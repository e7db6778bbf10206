// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "correlation_rows.hpp"

namespace qpvo::gpu {

/// Rows of `length` values as an update operator takes them.
std::vector<unsigned char> packedRows(const std::vector<float>& values, int length, const cuda::CorrelationRows& rows);

}  // namespace qpvo::gpu
