// SPDX-License-Identifier: MIT
#pragma once

#include "conv_elements.cuh"
#include "conv_finish.cuh"
#include "conv_products.cuh"

// Squares of a map around cells. Block x has cell x; its warps share out the positions of the square and the channels.

namespace qpvo::cuda::network::conv {

constexpr int kCellWarps = 8;
constexpr int kCellRows = 2;  ///< products of 16 positions that a warp computes together

/// The square of this block in its map.
struct Square {
  int left, top;

  __device__ __forceinline__ Square(const CellSquares& squares, const CellCall& call) {
    const int cell = call.cells[blockIdx.x], reach = squares.side / 2;
    left = squares.scale * (cell % squares.gridWidth) - reach;
    top = squares.scale * (cell / squares.gridWidth) - reach;
  }
};

/// Four channels of one position.
__device__ __forceinline__ void finishFour(float (&v)[4], int row, int column, int channel, bool inside, const CellSquares& squares, const Multiplier& conv,
                                           const CellOutput& out) {
  scaleFour(v, conv, channel);
#pragma unroll
  for (int i = 0; i < 4; ++i) v[i] = out.rectified ? fmaxf(0.f, v[i]) : v[i];
  if (out.shortcut != nullptr) {
    const int inset = (out.shortcutSide - squares.side) / 2;
    const std::size_t position = static_cast<std::size_t>(row + inset) * out.shortcutSide + column + inset;
    float shortcut[4];
    loadForm(shortcut, static_cast<const unsigned char*>(out.shortcut) + blockIdx.x * out.shortcutCellBytes, out.shortcutForm, position * out.stride + channel,
             out.shortcutStep);
#pragma unroll
    for (int i = 0; i < 4; ++i) v[i] = fmaxf(0.f, v[i] + shortcut[i]);
  }
#pragma unroll
  for (int i = 0; i < 4; ++i) v[i] = inside ? v[i] : 0.f;
  const std::size_t position = static_cast<std::size_t>(row) * squares.side + column;
  storeFour(static_cast<unsigned char*>(out.out) + blockIdx.x * out.cellBytes, out.form, position * out.stride, channel, out.outputs, v, out.inverseStep);
}

/// All outputs of the square.
template <class Product, int NT>
__device__ __forceinline__ void finishSquare(const CellSquares& squares, const Square& square, const unsigned char* tile, const Walk& walk, const int* offsets,
                                             const Multiplier& conv, const CellOutput& out) {
  const int rows = (walk.count + kCellRows * 16 - 1) / (kCellRows * 16), items = rows * (conv.outputs / (NT * 8));
  for (int item = warpIndex(); item < items; item += kCellWarps) {
    const int first = item % rows * kCellRows * 16, channel = item / rows * NT * 8;
    typename Product::C c[kCellRows][NT];
    accumulate<Product>(c, tile, walk, first, offsets, conv, channel);
#pragma unroll
    for (int i = 0; i < 2 * kCellRows; ++i) {
      const int position = first + laneIndex() / 4 + 8 * i;
      if (position >= walk.count) continue;
      const int row = position / squares.side, column = position % squares.side, x = square.left + column, y = square.top + row;
      const bool inside = x >= 0 && x < squares.width && y >= 0 && y < squares.height;
#pragma unroll
      for (int pair = 0; pair < NT / 2; ++pair) {
        float v[4];
        fourOf(v, c[i / 2], pair, i % 2);
        finishFour(v, row, column, channel + pair * kChannelStep + laneIndex() % 4 * 4, inside, squares, conv, out);
      }
    }
  }
}

}  // namespace qpvo::cuda::network::conv
