// SPDX-License-Identifier: MIT
#pragma once

#include <cuda_runtime.h>

namespace qpvo::cuda {

/// Neither infinite nor not a number, without a function that host and device spell differently.
template <class T>
__device__ __forceinline__ bool isFinite(T value) {
  return value - value == 0;
}

}  // namespace qpvo::cuda
