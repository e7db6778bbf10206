// SPDX-License-Identifier: MIT
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <type_traits>

#include "device/warp.cuh"
#include "precision.hpp"

// How a block of threads holds a tile of rows that goes through several layers, one row an edge.
//
// In shared memory a tile, and the weights of a layer, lie in panels: 64 bytes along k of every row, row after row, panel after panel. The four 16-byte pieces of a
// row are exchanged by two bits of its number, so that the eight rows that one ldmatrix reads, or eight lanes write, lie in different banks.
//
// In registers a tile is sums of mma: every warp has all rows and its own columns.

namespace qpvo::cuda::network {

inline constexpr int kPanelBytes = 64;
inline constexpr int kPieceBytes = 16;
inline constexpr int kMatrixRows = 16;
inline constexpr int kMatrixColumns = 8;

/// What the kernels are compiled for. Rows of a tile; warps of a block; matrices of eight columns of a warp; precision of the products; type in which the rows wait
/// between layers and kernels. The sums, and all arithmetic between the products, are fp32.
template <int rows, int warps, int columnTiles, Precision precision, class StateType>
struct Variant {
  static_assert(rows % kMatrixRows == 0 && columnTiles % 2 == 0);
  static constexpr int kRows = rows, kWarps = warps, kColumnTiles = columnTiles;
  static constexpr int kThreads = warps * kWarp, kRowTiles = rows / kMatrixRows;
  static constexpr int kColumns = warps * columnTiles * kMatrixColumns;  ///< of one pass of a product
  static constexpr int kWeightPanelBytes = kColumns * kPanelBytes;
  static constexpr int kTilePanelBytes = kRows * kPanelBytes;
  static constexpr int kBlocks = warps > 4 ? 1 : 3;                            ///< of a multiprocessor that share its registers at least
  static constexpr Precision kPrecision = precision;
  using State = StateType;
  using Native = std::conditional_t<precision == Precision::fp32, float, __half>;  ///< of the inputs of layers without int8 weights; of hidden state and correlation
  static constexpr bool kStateIsInput = std::is_same_v<State, Native>;             ///< such layers read the rows where they wait
  static constexpr int kNativePerPanel = kPanelBytes / static_cast<int>(sizeof(Native));
};

/// Offset of a byte along k of a row, in panels of `rows` rows.
__host__ __device__ __forceinline__ int panelOffset(int row, int rows, int byte) {
  const int piece = byte / kPieceBytes % (kPanelBytes / kPieceBytes);
  return (byte / kPanelBytes * rows + row) * kPanelBytes + ((piece ^ (row >> 1 & 3)) * kPieceBytes) + byte % kPieceBytes;
}

__device__ __forceinline__ void writePair(float* at, float x, float y) { *reinterpret_cast<float2*>(at) = make_float2(x, y); }
__device__ __forceinline__ void writePair(__half* at, float x, float y) { *reinterpret_cast<__half2*>(at) = __floats2half2_rn(x, y); }
__device__ __forceinline__ float2 readPair(const float* at) { return *reinterpret_cast<const float2*>(at); }
__device__ __forceinline__ float2 readPair(const __half* at) { return __half22float2(*reinterpret_cast<const __half2*>(at)); }
/// Of what is read once: the caches give it up before the weights.
__device__ __forceinline__ float2 readPairOnce(const float* at) { return __ldcs(reinterpret_cast<const float2*>(at)); }
__device__ __forceinline__ float2 readPairOnce(const __half* at) { return __half22float2(__ldcs(reinterpret_cast<const __half2*>(at))); }

/// Eight neighbours of a row, on 16 bytes: in device memory, or in panels of `rows` rows.
struct Eight {
  float x[8];
};

__device__ __forceinline__ Eight unpacked(const uint4& words) {
  const unsigned word[4] = {words.x, words.y, words.z, words.w};
  Eight out;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const float2 pair = __half22float2(*reinterpret_cast<const __half2*>(&word[i]));
    out.x[2 * i] = pair.x;
    out.x[2 * i + 1] = pair.y;
  }
  return out;
}

__device__ __forceinline__ uint4 packed(const Eight& values) {
  unsigned word[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const __half2 pair = __floats2half2_rn(values.x[2 * i], values.x[2 * i + 1]);
    word[i] = *reinterpret_cast<const unsigned*>(&pair);
  }
  return make_uint4(word[0], word[1], word[2], word[3]);
}

__device__ __forceinline__ Eight joined(const float4& a, const float4& b) { return {{a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w}}; }

__device__ __forceinline__ Eight readEight(const __half* at) { return unpacked(*reinterpret_cast<const uint4*>(at)); }
__device__ __forceinline__ Eight readEight(const float* at) { return joined(reinterpret_cast<const float4*>(at)[0], reinterpret_cast<const float4*>(at)[1]); }

__device__ __forceinline__ void writeEight(__half* at, const Eight& values) { *reinterpret_cast<uint4*>(at) = packed(values); }
__device__ __forceinline__ void writeEight(float* at, const Eight& v) {
  reinterpret_cast<float4*>(at)[0] = make_float4(v.x[0], v.x[1], v.x[2], v.x[3]);
  reinterpret_cast<float4*>(at)[1] = make_float4(v.x[4], v.x[5], v.x[6], v.x[7]);
}

template <class T>
__device__ __forceinline__ Eight readEightOfPanels(const unsigned char* panels, int row, int rows, int column) {
  const unsigned char* first = panels + panelOffset(row, rows, column * static_cast<int>(sizeof(T)));
  if constexpr (sizeof(T) == 2) {
    return readEight(reinterpret_cast<const __half*>(first));
  } else {
    const unsigned char* second = panels + panelOffset(row, rows, (column + 4) * static_cast<int>(sizeof(T)));
    return joined(*reinterpret_cast<const float4*>(first), *reinterpret_cast<const float4*>(second));
  }
}

template <class T>
__device__ __forceinline__ void writeEightOfPanels(unsigned char* panels, int row, int rows, int column, const Eight& v) {
  unsigned char* first = panels + panelOffset(row, rows, column * static_cast<int>(sizeof(T)));
  if constexpr (sizeof(T) == 2) {
    writeEight(reinterpret_cast<__half*>(first), v);
  } else {
    unsigned char* second = panels + panelOffset(row, rows, (column + 4) * static_cast<int>(sizeof(T)));
    *reinterpret_cast<float4*>(first) = make_float4(v.x[0], v.x[1], v.x[2], v.x[3]);
    *reinterpret_cast<float4*>(second) = make_float4(v.x[4], v.x[5], v.x[6], v.x[7]);
  }
}

}  // namespace qpvo::cuda::network
