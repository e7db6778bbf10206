// SPDX-License-Identifier: MIT
#pragma once

#include "rows_block.cuh"
#include "rows_norm.cuh"
#include "rows_softmax.cuh"
#include "update_arguments.cuh"

// One block takes a few patches of a source frame in all their targets through the correlation layers, both neighbours and the mean over the targets, without leaving
// shared memory.

namespace qpvo::cuda::network {

/// Brings the correlation of the tile's edges panel by panel: the next one is on its way into registers while one is multiplied.
template <class V>
class CorrelationFeed {
 public:
  /// buffers: shared memory for two panels.
  __device__ __forceinline__ CorrelationFeed(const PatchArguments<V>& p, const int* edge, unsigned char* buffers) : p_(p), edge_(edge), buffers_(buffers) {}

  __device__ __forceinline__ int before(int panel) {
    if (panel == 0) {
      fetch(0);
      store(0);
    }
    if (panel + 1 < p_.correlation0.panels) fetch(panel + 1);
    return panel % 2;
  }
  __device__ __forceinline__ void after(int panel) {
    if (panel + 1 < p_.correlation0.panels) store(panel + 1);
  }

 private:
  static constexpr int kPieces = kPanelBytes / kPieceBytes;
  static constexpr int kHeld = (V::kRows * kPieces + V::kThreads - 1) / V::kThreads;

  __device__ __forceinline__ void fetch(int panel) {
#pragma unroll
    for (int n = 0; n < kHeld; ++n) {
      const int item = n * V::kThreads + static_cast<int>(threadIdx.x), row = item / kPieces;
      const int edge = row < V::kRows ? edge_[row] : -1;
      held_[n] = make_uint4(0, 0, 0, 0);
      if (edge < 0) continue;
      const unsigned char* from = p_.correlation + static_cast<std::ptrdiff_t>(edge) * p_.correlationRowBytes + panel * kPanelBytes;
      held_[n] = __ldcs(reinterpret_cast<const uint4*>(from + item % kPieces * kPieceBytes));  // read once in most plans: the caches give it up before the weights
    }
  }

  __device__ __forceinline__ void store(int panel) {
    unsigned char* buffer = buffers_ + panel % 2 * V::kTilePanelBytes;
#pragma unroll
    for (int n = 0; n < kHeld; ++n) {
      const int item = n * V::kThreads + static_cast<int>(threadIdx.x), row = item / kPieces;
      if (row < V::kRows) *reinterpret_cast<uint4*>(buffer + panelOffset(row, V::kRows, item % kPieces * kPieceBytes)) = held_[n];
    }
  }

  const PatchArguments<V>& p_;
  const int* edge_;
  unsigned char* buffers_;
  uint4 held_[kHeld];
};

struct PreviousTarget {
  int targets, rows;
  __device__ __forceinline__ int operator()(int row) const { return row < rows && row % targets != 0 ? row - 1 : -1; }
};

struct NextTarget {
  int targets, rows;
  __device__ __forceinline__ int operator()(int row) const { return row < rows && row % targets != targets - 1 ? row + 1 : -1; }
};

/// corr(correlation) + hidden + context, normalised.
template <class V>
__device__ __forceinline__ void correlationLayers(const PatchArguments<V>& p, const RowTile<V>& tile, WeightStream<V>& weights) {
  for (int pass = 0; pass < p.correlation0.passes; ++pass) {
    if (pass > 0) __syncthreads();
    Sums<V> sums;
    multiply<V, Input::signedBytes, V::kRowTiles>(sums, p.correlation0, pass, tile.state, tile.zeros, weights, OwnRow(), CorrelationFeed<V>(p, tile.edge, tile.state));
    putInner<V>(tile, sums, pass, p.correlation2);
  }
  Sums<V> sums;
  multiply<V, Input::unsignedBytes>(sums, p.correlation2, 0, tile.inner, tile.zeros, weights);
  __syncthreads();
  layerNorm<V>(sums, p.hiddenDim, p.correlation3, true, tile.partial());
  unsigned char* input = p.correlation5.input == Input::native ? tile.state : tile.input;
  forEachPair(sums, [&](int row, int column, float x, float y) { putInput<V>(input, p.correlation5, row, column, x, y); });
  multiply<V, Input::unsignedBytes>(sums, p.correlation5, 0, input, tile.zeros, weights);
  forEachPair(sums, [&](int row, int column, float& x, float& y) {
    const int edge = tile.edge[row];
    if (edge < 0 || column >= p.hiddenDim) return;
    const float2 hidden = readPairOnce(p.hiddenIn + static_cast<std::ptrdiff_t>(edge) * p.hiddenDim + column);
    const float2 context = readPair(p.contextRing + static_cast<std::ptrdiff_t>(tile.place[row]) * p.hiddenDim + column);
    x = x + hidden.x + context.x;
    y = y + hidden.y + context.y;
  });
  layerNorm<V>(sums, p.hiddenDim, p.norm, false, tile.partial());
  putState<V>(tile, sums, p.previous0);
}

/// Adds what two layers make of the rows in a neighbouring target, or of nothing. reader: of the result.
template <class V, class From>
__device__ __forceinline__ void addNeighbour(const RowTile<V>& tile, const Layer& first, const Layer& second, const Layer& reader, WeightStream<V>& weights,
                                             const From& from) {
  firstOfTwo<V>(tile, first, second, weights, from);
  Sums<V> sums;
  multiply<V, Input::unsignedBytes>(sums, second, 0, tile.inner, tile.zeros, weights);
  addState<V>(tile, sums);
  putState<V>(tile, sums, reader);
}

/// Softmax-weighted means of the patches, as the layer behind takes them: row q of `inner` is patch q of the tile.
template <class V>
struct PatchMeans {
  const RowTile<V>& tile;
  const Layer& reader;
  __device__ __forceinline__ void maximum(int, int, float, float) const {}
  __device__ __forceinline__ void sums(int patch, int column, float shareX, float shareY, float totalX, float totalY) const {
    putInput<V>(tile.inner, reader, patch, column, totalX / shareX, totalY / shareY);
  }
};

template <class V>
__device__ __forceinline__ void addPatchMeans(const PatchArguments<V>& p, const RowTile<V>& tile, const PatchTile& which, WeightStream<V>& weights) {
  using State = typename V::State;
  constexpr int kMeans = V::kRows / 2, kUsed = V::kRowTiles > 1 ? V::kRowTiles / 2 : 1;
  for (int pass = 0; pass < p.shares.passes; ++pass) {
    Sums<V> sums;
    multiply<V, Input::signedBytes>(sums, p.shares, pass, tile.of(p.shares), tile.zeros, weights);
    groupSoftmax<V>(sums, pass, which.patches, [&](int patch) { return patch * which.targets; }, PatchMeans<V>{tile, p.mean});
  }
  Sums<V> sums;
  multiply<V, Input::signedBytes, kUsed>(sums, p.mean, 0, tile.inner, tile.zeros, weights, OwnRow(), WholeTile());
  __syncthreads();
  forEachPair(sums, [&](int row, int column, float x, float y) {
    if (row < kMeans) writePair(reinterpret_cast<State*>(tile.inner + panelOffset(row, kMeans, column * static_cast<int>(sizeof(State)))), x, y);
  });
  __syncthreads();
  const int inRow = p.hiddenDim / 8;
  for (int item = static_cast<int>(threadIdx.x); item < which.patches * which.targets * inRow; item += V::kThreads) {
    const int row = item / inRow, column = item % inRow * 8;
    Eight x = readEightOfPanels<State>(tile.state, row, V::kRows, column);
    const Eight mean = readEightOfPanels<State>(tile.inner, row / which.targets, kMeans, column);
#pragma unroll
    for (int c = 0; c < 8; ++c) x.x[c] += mean.x[c];
    writeEight(p.rows + static_cast<std::ptrdiff_t>(tile.edge[row]) * p.hiddenDim + column, x);
  }
}

template <class V>
__global__ void __launch_bounds__(V::kThreads, V::kBlocks) updatePatches(const PatchArguments<V> p) {
  if (static_cast<int>(blockIdx.x) >= p.tables.counts->tiles) return;
  const PatchTile which = p.tables.tiles[blockIdx.x];
  const RowTile<V> tile(p.plan);
  const int rows = which.patches * which.targets, source = p.tables.source[p.tables.order[which.first]];
  for (int row = static_cast<int>(threadIdx.x); row < V::kRows; row += V::kThreads) {
    const int patch = which.firstPatch + row / which.targets;
    tile.edge[row] = row < rows ? p.tables.order[which.first + row % which.targets] * p.patches + patch : -1;
    tile.place[row] = source * p.patches + patch;
  }
  WeightStream<V> weights(p.weights.first, p.weights.panels, tile.stages, p.plan.stageCount);
  __syncthreads();
  correlationLayers<V>(p, tile, weights);
  addNeighbour<V>(tile, p.previous0, p.previous2, p.next0, weights, PreviousTarget{which.targets, rows});
  addNeighbour<V>(tile, p.next0, p.next2, p.shares, weights, NextTarget{which.targets, rows});
  addPatchMeans<V>(p, tile, which, weights);
}

}  // namespace qpvo::cuda::network
