// SPDX-License-Identifier: MIT
#pragma once

#include "device/round.cuh"
#include "device/shared.cuh"
#include "rows_plan.hpp"
#include "rows_product.cuh"

namespace qpvo::cuda::network {

/// A tile of rows in shared memory, with what a block knows of its rows.
template <class V>
struct RowTile {
  unsigned char* state;   ///< panels of V::State
  unsigned char* input;   ///< panels of bytes: the rows as the next int8 layer takes them
  unsigned char* inner;   ///< panels between two layers, of the type that the second takes; sums over columns while there are none, [2][kWarps][kRows] floats
  unsigned char* stages;
  unsigned char* zeros;   ///< 64 bytes
  int *edge, *place;      ///< [kRows]: the row in device memory, -1 = none; and another place that goes with it

  __device__ __forceinline__ explicit RowTile(const SharedPlan& plan) {
    unsigned char* memory = dynamicShared<unsigned char>();
    state = memory;
    input = memory + plan.input;
    inner = memory + plan.inner;
    stages = memory + plan.stages;
    zeros = memory + plan.zeros;
    edge = reinterpret_cast<int*>(memory + plan.edge);
    place = edge + V::kRows;
    if (threadIdx.x < kPanelBytes / sizeof(int)) reinterpret_cast<int*>(zeros)[threadIdx.x] = 0;
  }

  __device__ __forceinline__ float* partial() const { return reinterpret_cast<float*>(inner); }

  /// Where a layer reads the rows.
  __device__ __forceinline__ const unsigned char* of(const Layer& reader) const { return reader.input == Input::native ? state : input; }
};

/// clamp(round_half_to_even(x / scale)), as the layer takes it, in the lowest byte.
__device__ __forceinline__ unsigned quantized(const Layer& reader, float x) {
  const float low = reader.input == Input::signedBytes ? -128.0f : 0.0f, high = reader.input == Input::signedBytes ? 127.0f : 255.0f;
  return roundedWithin(x * reader.inverseScale, low, high);
}

/// In the lower half of the word.
__device__ __forceinline__ unsigned quantizedPair(const Layer& reader, float x, float y) { return __byte_perm(quantized(reader, x), quantized(reader, y), 0x0040); }

__device__ __forceinline__ uint2 quantizedEight(const Layer& reader, const Eight& values) {
  unsigned pair[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) pair[i] = quantizedPair(reader, values.x[2 * i], values.x[2 * i + 1]);
  return make_uint2(__byte_perm(pair[0], pair[1], 0x5410), __byte_perm(pair[2], pair[3], 0x5410));
}

/// Neighbours x, y of a row into what `reader` multiplies.
template <class V>
__device__ __forceinline__ void putInput(unsigned char* panels, const Layer& reader, int row, int column, float x, float y) {
  if (V::kPrecision == Precision::int8 && reader.input != Input::native) {
    *reinterpret_cast<unsigned short*>(panels + panelOffset(row, V::kRows, column)) = static_cast<unsigned short>(quantizedPair(reader, x, y));
  } else {
    using Native = typename V::Native;
    writePair(reinterpret_cast<Native*>(panels + panelOffset(row, V::kRows, column * static_cast<int>(sizeof(Native)))), x, y);
  }
}

/// The pass of a layer that feeds `reader`, after a ReLU.
template <class V>
__device__ __forceinline__ void putInner(const RowTile<V>& tile, Sums<V>& sums, int pass, const Layer& reader) {
  forEachPair(sums, [&](int row, int column, float x, float y) { putInput<V>(tile.inner, reader, row, pass * V::kColumns + column, fmaxf(x, 0.0f), fmaxf(y, 0.0f)); });
}

/// All passes of a layer on the tile, after a ReLU, into what `reader` multiplies.
template <class V, class From = OwnRow>
__device__ __forceinline__ void firstOfTwo(const RowTile<V>& tile, const Layer& layer, const Layer& reader, WeightStream<V>& weights, const From& from = From()) {
  for (int pass = 0; pass < layer.passes; ++pass) {
    Sums<V> sums;
    multiply<V, Input::signedBytes>(sums, layer, pass, tile.of(layer), tile.zeros, weights, from);
    putInner<V>(tile, sums, pass, reader);
  }
}

template <class V>
__device__ __forceinline__ typename V::State* statePair(const RowTile<V>& tile, int row, int column) {
  using State = typename V::State;
  return reinterpret_cast<State*>(tile.state + panelOffset(row, V::kRows, column * static_cast<int>(sizeof(State))));
}

/// The rows, for `reader` too.
template <class V>
__device__ __forceinline__ void putState(const RowTile<V>& tile, Sums<V>& sums, const Layer& reader) {
  forEachPair(sums, [&](int row, int column, float x, float y) {
    writePair(statePair<V>(tile, row, column), x, y);
    if (V::kPrecision == Precision::int8 && reader.input != Input::native) putInput<V>(tile.input, reader, row, column, x, y);
  });
}

/// Adds the rows where they wait.
template <class V>
__device__ __forceinline__ void addState(const RowTile<V>& tile, Sums<V>& sums) {
  forEachPair(sums, [&](int row, int column, float& x, float& y) {
    const float2 state = readPair(statePair<V>(tile, row, column));
    x = state.x + x;
    y = state.y + y;
  });
}

}  // namespace qpvo::cuda::network
