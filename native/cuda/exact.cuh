// SPDX-License-Identifier: MIT
#pragma once

#include <cuda_runtime.h>

// Float arithmetic that the compiler may not fuse into one rounding, where the bits must be those of the CPU.

namespace qpvo::cuda {

__device__ __forceinline__ float product(float a, float b) {
#ifdef QPVO_CUDA_EMULATION
  return a * b;
#else
  return __fmul_rn(a, b);
#endif
}

__device__ __forceinline__ float sum(float a, float b) {
#ifdef QPVO_CUDA_EMULATION
  return a + b;
#else
  return __fadd_rn(a, b);
#endif
}

}  // namespace qpvo::cuda
