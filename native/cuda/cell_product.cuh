// SPDX-License-Identifier: MIT
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "device/mma.cuh"
#include "device/warp.cuh"
#include "qpvo/state.hpp"

// Dot products of the nine pixels of a patch with eight cells of a map, by one warp. Every cell is needed once per patch, so its channels go from global memory straight
// into the registers that the product wants: lane (g, t) reads words of cell g, each four lanes a contiguous piece of it. That a lane's words are neighbours instead of
// standing where the fragments of mma.cuh have them only permutes the channels, in patch and map alike, and a dot product does not mind.

namespace qpvo::cuda {

inline constexpr int kCellsAtOnce = 8;
inline constexpr int kLanesPerCell = 4;

/// Words of one lane of one piece of a cell.
template <int Words>
struct Piece {
  unsigned x[Words];
};

/// In one load.
template <int Words>
__device__ __forceinline__ Piece<Words> loadPiece(const unsigned* p) {
  using Vector = std::conditional_t<Words == 4, uint4, std::conditional_t<Words == 2, uint2, unsigned>>;
  const Vector vector = *reinterpret_cast<const Vector*>(p);
  Piece<Words> piece;
  memcpy(piece.x, &vector, sizeof vector);
  return piece;
}

/// Sums over the channels of eight cells.
template <class T>
struct CellSums;

/// Halves on tensor cores: pixels are rows, 9 of 16.
template <>
struct CellSums<__half> {
  CFloat sums{};

  /// low: of pixel g; high: of pixel g + 8, zero beyond the ninth.
  template <int Words>
  __device__ __forceinline__ void add(const Piece<Words>& low, const Piece<Words>& high, const Piece<Words>& cell) {
    static_assert(Words % 2 == 0);
#pragma unroll
    for (int i = 0; i < Words; i += 2) mma(sums, AHalf{{low.x[i], high.x[i], low.x[i + 1], high.x[i + 1]}}, BHalf{{cell.x[i], cell.x[i + 1]}});
  }

  /// raw[pixel][cell], rows of `stride`.
  __device__ __forceinline__ void store(float* raw, int stride, float scale) const {
    const int g = laneIndex() / kLanesPerCell, t = laneIndex() % kLanesPerCell;
    raw[g * stride + 2 * t] = sums.x[0] * scale;
    raw[g * stride + 2 * t + 1] = sums.x[1] * scale;
    if (g == 0) {
      raw[8 * stride + 2 * t] = sums.x[2] * scale;
      raw[8 * stride + 2 * t + 1] = sums.x[3] * scale;
    }
  }
};

/// Bytes likewise, exact in 32-bit integers.
template <>
struct CellSums<std::int8_t> {
  CInt sums{};

  template <int Words>
  __device__ __forceinline__ void add(const Piece<Words>& low, const Piece<Words>& high, const Piece<Words>& cell) {
    if constexpr (Words == 1) {
      mmaSigned(sums, AByte{{low.x[0], high.x[0], 0, 0}}, BByte{{cell.x[0], 0}});
    } else {
#pragma unroll
      for (int i = 0; i < Words; i += 2) mmaSigned(sums, AByte{{low.x[i], high.x[i], low.x[i + 1], high.x[i + 1]}}, BByte{{cell.x[i], cell.x[i + 1]}});
    }
  }

  __device__ __forceinline__ void store(float* raw, int stride, float scale) const {
    const int g = laneIndex() / kLanesPerCell, t = laneIndex() % kLanesPerCell;
    raw[g * stride + 2 * t] = static_cast<float>(sums.x[0]) * scale;
    raw[g * stride + 2 * t + 1] = static_cast<float>(sums.x[1]) * scale;
    if (g == 0) {
      raw[8 * stride + 2 * t] = static_cast<float>(sums.x[2]) * scale;
      raw[8 * stride + 2 * t + 1] = static_cast<float>(sums.x[3]) * scale;
    }
  }
};

}  // namespace qpvo::cuda
