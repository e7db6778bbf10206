// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include "precision.hpp"

namespace qpvo::cuda {

/// How the update operator takes the correlation: [P][M][stride], F elements of a row used, the rest zero.
struct CorrelationRows {
  Precision type;         ///< fp32 float; fp16 __half; int8 round_half_to_even(x * perValue) within -128..127
  int stride;             ///< elements, >= F and even; a multiple of 8 lets rows be written in 16 bytes; of 16 in int8
  float perValue = 1;     ///< steps of a byte per unit
  std::size_t bytes() const { return static_cast<std::size_t>(stride) * static_cast<std::size_t>(type == Precision::int8 ? 1 : activationBytes(type)); }
};

}  // namespace qpvo::cuda
