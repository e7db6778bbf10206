// SPDX-License-Identifier: MIT
#pragma once

#include <cuda_runtime.h>

namespace qpvo::cuda {

/// 1.5 * 2^23, round which the unit of fp32 is one: a sum with it is rounded to the nearest whole number, ties to even, which stands in its lowest bits. Faster than a conversion.
inline constexpr float kUnitOne = 12582912.0f;

/// round_half_to_even(x) within low..high, whole numbers that fit a byte: the lowest byte of the result.
__device__ __forceinline__ unsigned roundedWithin(float x, float low, float high) { return __float_as_uint(fminf(fmaxf(x, low), high) + kUnitOne); }

}  // namespace qpvo::cuda
