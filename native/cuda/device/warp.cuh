// SPDX-License-Identifier: MIT
#pragma once

#include <cuda_runtime.h>

// Reductions in a fixed order: the same bits every time. All lanes (all threads of the block) take part and receive the result.

namespace qpvo::cuda {

inline constexpr int kWarp = 32;
inline constexpr unsigned kAllLanes = 0xffffffffu;

__device__ __forceinline__ int laneIndex() { return static_cast<int>(threadIdx.x) % kWarp; }
__device__ __forceinline__ int warpIndex() { return static_cast<int>(threadIdx.x) / kWarp; }

/// Butterfly: exchanged halves are added in either order, so every lane has the same bits.
template <class T>
__device__ __forceinline__ T warpSum(T value) {
#pragma unroll
  for (int mask = kWarp / 2; mask > 0; mask /= 2) value += __shfl_xor_sync(kAllLanes, value, mask);
  return value;
}

template <class T>
__device__ __forceinline__ T warpMax(T value) {
#pragma unroll
  for (int mask = kWarp / 2; mask > 0; mask /= 2) {
    const T other = __shfl_xor_sync(kAllLanes, value, mask);
    value = other > value ? other : value;
  }
  return value;
}

template <class T>
__device__ __forceinline__ T warpMin(T value) {
#pragma unroll
  for (int mask = kWarp / 2; mask > 0; mask /= 2) {
    const T other = __shfl_xor_sync(kAllLanes, value, mask);
    value = other < value ? other : value;
  }
  return value;
}

/// Sum over a block of THREADS threads: warps first, then their sums in the order of the warps. shared: 32 values of the block, free again on return.
template <int THREADS, class T>
__device__ __forceinline__ T blockSum(T value, T* shared) {
  static_assert(THREADS % kWarp == 0 && THREADS <= kWarp * kWarp);
  value = warpSum(value);
  if (laneIndex() == 0) shared[warpIndex()] = value;
  __syncthreads();
  T sum = shared[0];
#pragma unroll
  for (int warp = 1; warp < THREADS / kWarp; ++warp) sum += shared[warp];
  __syncthreads();
  return sum;
}

/// As blockSum, the largest.
template <int THREADS, class T>
__device__ __forceinline__ T blockMax(T value, T* shared) {
  static_assert(THREADS % kWarp == 0 && THREADS <= kWarp * kWarp);
  value = warpMax(value);
  if (laneIndex() == 0) shared[warpIndex()] = value;
  __syncthreads();
  T most = shared[0];
#pragma unroll
  for (int warp = 1; warp < THREADS / kWarp; ++warp) most = shared[warp] > most ? shared[warp] : most;
  __syncthreads();
  return most;
}

}  // namespace qpvo::cuda
