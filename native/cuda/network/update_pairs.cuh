// SPDX-License-Identifier: MIT
#pragma once

#include "rows_block.cuh"
#include "rows_softmax.cuh"
#include "update_arguments.cuh"

// The mean over the patches of each pair, in two steps: tiles of neighbouring edges give parts of the softmax, then one row per pair is made of them.

namespace qpvo::cuda::network {

/// The edges of a tile of the edges in their order.
struct EdgeTile {
  int first, rows;  ///< edges
  int firstPair, pairs;

  __device__ __forceinline__ EdgeTile(const UpdateCounts& counts, int patches, int tileRows) {
    const int edges = counts.pairs * patches;
    first = static_cast<int>(blockIdx.x) * tileRows;
    rows = edges - first < tileRows ? edges - first : tileRows;
    firstPair = first / patches;
    pairs = rows > 0 ? (first + rows - 1) / patches - firstPair + 1 : 0;
  }
};

/// Parts of the softmax, where the second step finds them.
struct PairParts {
  float* partial;
  int patches, parts, width, tileRows, tile, firstPair;

  __device__ __forceinline__ float* of(int group, int what, int column) const {
    const int pair = firstPair + group, part = tile - pair * patches / tileRows;
    return partial + ((static_cast<std::ptrdiff_t>(pair) * parts + part) * 3 + what) * width + column;
  }
  __device__ __forceinline__ void maximum(int group, int column, float x, float y) const { writePair(of(group, 0, column), x, y); }
  __device__ __forceinline__ void sums(int group, int column, float shareX, float shareY, float totalX, float totalY) const {
    writePair(of(group, 1, column), shareX, shareY);
    writePair(of(group, 2, column), totalX, totalY);
  }
};

/// Rows of device memory into what `reader` multiplies; zero where there are none, and beyond the width.
template <class V>
__device__ __forceinline__ void loadRows(const RowTile<V>& tile, const Layer& reader, const typename V::State* rows, int count, int width) {
  using State = typename V::State;
  constexpr int kInRow = V::kColumns / 8;
  for (int item = static_cast<int>(threadIdx.x); item < V::kRows * kInRow; item += V::kThreads) {
    const int row = item / kInRow, column = item % kInRow * 8;
    const Eight x = row < count && column < width ? readEight(rows + static_cast<std::ptrdiff_t>(row) * width + column) : Eight{};
    if (V::kPrecision == Precision::int8 && reader.input != Input::native) {
      *reinterpret_cast<uint2*>(tile.input + panelOffset(row, V::kRows, column)) = quantizedEight(reader, x);
    } else {
      writeEightOfPanels<State>(tile.state, row, V::kRows, column, x);
    }
  }
}

template <class V>
__global__ void __launch_bounds__(V::kThreads, V::kBlocks) updatePairShares(const ShareArguments<V> p) {
  const EdgeTile which(*p.tables.counts, p.patches, V::kRows);
  if (which.rows <= 0) return;
  const RowTile<V> tile(p.plan);
  WeightStream<V> weights(p.weights.first, p.weights.panels, tile.stages, p.plan.stageCount);
  loadRows<V>(tile, p.shares, p.rows + static_cast<std::ptrdiff_t>(which.first) * p.hiddenDim, which.rows, p.hiddenDim);
  const PairParts parts{p.partial, p.patches, p.parts, p.partialWidth, V::kRows, static_cast<int>(blockIdx.x), which.firstPair};
  const auto start = [&](int group) {
    const int row = (which.firstPair + group) * p.patches - which.first;
    return row < 0 ? 0 : row > which.rows ? which.rows : row;
  };
  for (int pass = 0; pass < p.shares.passes; ++pass) {
    Sums<V> sums;
    multiply<V, Input::signedBytes>(sums, p.shares, pass, tile.of(p.shares), tile.zeros, weights);
    groupSoftmax<V>(sums, pass, which.pairs, start, parts);
  }
}

/// Softmax-weighted mean of a column of a pair, of its parts.
template <class V>
__device__ __forceinline__ float meanOfParts(const PairArguments<V>& p, int pair, int column) {
  const int firstTile = pair * p.patches / p.tileRows, lastTile = (pair * p.patches + p.patches - 1) / p.tileRows;
  const float* of = p.partial + static_cast<std::ptrdiff_t>(pair) * p.parts * 3 * p.partialWidth + column;
  float most = of[0];
  for (int part = 1; part <= lastTile - firstTile; ++part) most = fmaxf(most, of[part * 3 * p.partialWidth]);
  float share = 0, total = 0;
  for (int part = 0; part <= lastTile - firstTile; ++part) {
    const float* values = of + part * 3 * p.partialWidth;
    const float fall = expf(values[0] - most);
    share = fmaf(fall, values[p.partialWidth], share);
    total = fmaf(fall, values[2 * p.partialWidth], total);
  }
  return total / share;
}

template <class V>
__global__ void __launch_bounds__(V::kThreads, V::kBlocks) updatePairMeans(const PairArguments<V> p) {
  const int first = static_cast<int>(blockIdx.x) * V::kRows, left = p.tables.counts->pairs - first;
  if (left <= 0) return;
  const RowTile<V> tile(p.plan);
  WeightStream<V> weights(p.weights.first, p.weights.panels, tile.stages, p.plan.stageCount);
  const int pairs = left < V::kRows ? left : V::kRows, inRow = p.partialWidth / 2;
  for (int item = static_cast<int>(threadIdx.x); item < V::kRows * inRow; item += V::kThreads) {
    const int row = item / inRow, column = item % inRow * 2;
    const float x = row < pairs ? meanOfParts<V>(p, first + row, column) : 0.0f;
    const float y = row < pairs ? meanOfParts<V>(p, first + row, column + 1) : 0.0f;
    putInput<V>(tile.inner, p.mean, row, column, x, y);
  }
  Sums<V> sums;
  multiply<V, Input::signedBytes>(sums, p.mean, 0, tile.inner, tile.zeros, weights);
  forEachPair(sums, [&](int row, int column, float x, float y) {
    if (row < pairs && column < p.hiddenDim) writePair(p.pairRows + static_cast<std::ptrdiff_t>(first + row) * p.hiddenDim + column, x, y);
  });
}

}  // namespace qpvo::cuda::network
