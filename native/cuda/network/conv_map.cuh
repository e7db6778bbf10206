// SPDX-License-Identifier: MIT
#pragma once

#include "conv_elements.cuh"
#include "conv_fill.cuh"
#include "conv_moments.cuh"
#include "conv_products.cuh"

// Tiles of a whole map: kTileWidth pixels by MT rows for each of kMapWarps warps. Block (x, y) has tile (x, y).

namespace qpvo::cuda::network::conv {

/// Blocks that a multiprocessor should hold at once, which limits their registers: while some load their tile, others multiply. fp32 has more sums in registers.
constexpr int blocksPerProcessor(Form form) { return form == Form::floats ? 2 : 3; }

/// The place of a lane's outputs: row half h of product i is pixel (x(h), y(i)).
template <int MT>
struct MapTile {
  static constexpr int kRows = kMapWarps * MT;
  int left, top, width, height;

  __device__ __forceinline__ MapTile(int mapWidth, int mapHeight)
      : left(static_cast<int>(blockIdx.x) * kTileWidth), top(static_cast<int>(blockIdx.y) * kRows), width(mapWidth), height(mapHeight) {}

  __device__ __forceinline__ int x(int h) const { return left + laneIndex() / 4 + 8 * h; }
  __device__ __forceinline__ int y(int i) const { return top + warpIndex() * MT + i; }
  __device__ __forceinline__ bool inside(int i, int h) const { return x(h) < width && y(i) < height; }
  __device__ __forceinline__ std::size_t pixel(int i, int h) const { return static_cast<std::size_t>(y(i)) * width + x(h); }
  static __device__ __forceinline__ int first() { return warpIndex() * MT * kTileWidth; }

  /// What a convolution of this tile reads.
  __device__ __forceinline__ Window window(const Taps& taps, int stride, int pad) const {
    return {left * stride - pad, top * stride - pad, (kTileWidth - 1) * stride + taps.columns, (kRows - 1) * stride + taps.rows};
  }
  /// Input pixels that belong to this tile.
  __device__ __forceinline__ Window own(int stride) const { return {left * stride, top * stride, kTileWidth * stride, kRows * stride}; }
};

/// Sums and moments of the tile, all channels. shared: momentsBytes(NT).
template <class Product, class Sum, int MT, int NT>
__device__ __forceinline__ void storeSums(const MapTile<MT>& map, const unsigned char* tile, const Walk& walk, const int* offsets, const Multiplier& conv,
                                          const MapSums& out, Moments* shared) {
  const std::size_t block = static_cast<std::size_t>(blockIdx.y) * gridDim.x + blockIdx.x;
  bool inside[MT][2];
#pragma unroll
  for (int i = 0; i < 2 * MT; ++i) inside[i / 2][i % 2] = map.inside(i / 2, i % 2);
  for (int channel = 0; channel < conv.outputs; channel += NT * 8) {
    typename Product::C c[MT][NT];
    accumulate<Product>(c, tile, walk, map.first(), offsets, conv, channel);
#pragma unroll
    for (int i = 0; i < 2 * MT; ++i) {
      if (!inside[i / 2][i % 2]) continue;
      Sum* to = static_cast<Sum*>(out.sums) + map.pixel(i / 2, i % 2) * conv.outputs + channel + laneIndex() % 4 * 4;
#pragma unroll
      for (int pair = 0; pair < NT / 2; ++pair) {
        float v[4];
        fourOf(v, c[i / 2], pair, i % 2);
        store(to + pair * kChannelStep, v);
      }
    }
    storeMoments(c, inside, shared, out.moments + block * conv.outputs + channel);
  }
}

}  // namespace qpvo::cuda::network::conv
