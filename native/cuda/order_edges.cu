// SPDX-License-Identifier: MIT
#include "device/warp.cuh"
#include "ops.hpp"
#include "reproject.cuh"
#include "runtime/launch.hpp"

namespace qpvo::cuda {

namespace {

constexpr int kThreads = 1024;
constexpr int kWarps = kThreads / kWarp;
constexpr int kTiles = kTilesAcross * kTilesAcross;
static_assert(kTiles % kWarp == 0 && kTiles <= kThreads, "a thread per tile, in whole warps");

struct OrderTask {
  PairTables pairs;
  const PairMotion* motion;
  Lens lens;
  const float *patchX, *patchY, *inverseDepth;
  std::int32_t* order;
  float tilesPerCellX, tilesPerCellY;
  int patches, patchStride;
};

__device__ int tileAlong(float tile) { return static_cast<int>(fminf(fmaxf(tile, 0.f), kTilesAcross - 1.f)); }

/// Tile of the target's map where the centre of patch k of pair p looks, by its place along a Morton curve; outside of the map the next one, not finite the first.
__device__ int tileOf(const OrderTask& t, int p, int k) {
  const std::size_t patch = static_cast<std::size_t>(t.pairs.source[p]) * t.patchStride + k;
  float x, y;
  project(t.lens, t.motion[p], t.patchX[patch], t.patchY[patch], t.inverseDepth[patch], x, y);
  const int column = tileAlong(x * t.tilesPerCellX), row = tileAlong(y * t.tilesPerCellY);
  int tile = 0;
#pragma unroll
  for (int bit = 1; bit < kTilesAcross; bit *= 2) tile += (column & bit) * bit + 2 * (row & bit) * bit;
  return tile;
}

/// The lanes whose edge is in the same tile.
__device__ unsigned lanesOf(int tile, bool isEdge) {
  unsigned lanes = __ballot_sync(kAllLanes, isEdge);
#pragma unroll
  for (int bit = 1; bit < kTiles; bit *= 2) {
    const unsigned set = __ballot_sync(kAllLanes, (tile & bit) != 0);
    lanes &= (tile & bit) != 0 ? set : ~set;
  }
  return lanes;
}

struct Edge {
  int index;        ///< row of the correlation; -1 = none
  int tile;
  int rank, count;  ///< among the lanes of the tile
};

/// visit(edge), by all lanes, of the target's edges [begin, end), 32 at once, pair after pair.
template <class Visit>
__device__ void eachEdge(const OrderTask& t, int firstPair, int begin, int end, const Visit& visit) {
  for (int first = begin; first < end; first += kWarp) {
    const bool isEdge = first + laneIndex() < end;
    const int i = isEdge ? first + laneIndex() : first, p = t.pairs.byTarget[firstPair + i / t.patches], k = i % t.patches, tile = tileOf(t, p, k);
    const unsigned lanes = lanesOf(tile, isEdge);
    visit(Edge{isEdge ? p * t.patches + k : -1, tile, __popc(lanes & ((1u << laneIndex()) - 1)), __popc(lanes)});
    __syncwarp();
  }
}

/// A block per target: its edges sorted by tile, counted and placed by warps, each of which has a share of them.
__global__ void __launch_bounds__(kThreads, 1) orderKernel(OrderTask t) {
  __shared__ std::int32_t places[kWarps][kTiles];  ///< edges of a warp in a tile, then where the next one goes
  __shared__ std::int32_t sums[kTiles / kWarp];
  const int firstPair = t.pairs.targetFirst[blockIdx.x], edges = (t.pairs.targetFirst[blockIdx.x + 1] - firstPair) * t.patches;
  if (edges == 0) return;
  const int share = (edges + kThreads - 1) / kThreads * kWarp, begin = warpIndex() * share, end = min(begin + share, edges);
  std::int32_t* own = places[warpIndex()];
  for (int tile = laneIndex(); tile < kTiles; tile += kWarp) own[tile] = 0;
  __syncwarp();
  eachEdge(t, firstPair, begin, end, [&](const Edge& e) {
    if (e.index >= 0 && e.rank == 0) own[e.tile] += e.count;
  });
  __syncthreads();
  const int tile = static_cast<int>(threadIdx.x);
  int count = 0, upTo = 0;  // edges of the tile; of it and those before it in its warp
  if (tile < kTiles) {
    for (int w = 0; w < kWarps; ++w) count += places[w][tile];
    upTo = count;
#pragma unroll
    for (int by = 1; by < kWarp; by *= 2) {
      const int before = __shfl_up_sync(kAllLanes, upTo, by);
      if (laneIndex() >= by) upTo += before;
    }
    if (laneIndex() == kWarp - 1) sums[warpIndex()] = upTo;
  }
  __syncthreads();
  if (tile < kTiles) {
    int place = firstPair * t.patches + upTo - count;
    for (int w = 0; w < warpIndex(); ++w) place += sums[w];
    for (int w = 0; w < kWarps; ++w) {
      const int next = place + places[w][tile];
      places[w][tile] = place;
      place = next;
    }
  }
  __syncthreads();
  eachEdge(t, firstPair, begin, end, [&](const Edge& e) {
    const int place = own[e.tile] + e.rank;
    __syncwarp();
    if (e.index < 0) return;
    t.order[place] = e.index;
    if (e.rank == e.count - 1) own[e.tile] = place + 1;
  });
}

}  // namespace

void orderEdges(DeviceState& state, cudaStream_t stream) {
  const Options& o = state.options;
  const OrderTask task{state.pairs(),
                       state.pairMotion.data(),
                       lensOf(o),
                       state.patchX.data(),
                       state.patchY.data(),
                       state.inverseDepth.data(),
                       state.edgeOrder.data(),
                       static_cast<float>(kTilesAcross) / static_cast<float>(state.gridWidth),
                       static_cast<float>(kTilesAcross) / static_cast<float>(state.gridHeight),
                       o.patches,
                       state.patchStride};
  launch("correlate: order", orderKernel, {.blocksX = static_cast<unsigned>(o.ringSlots), .threads = kThreads}, stream, task);
}

}  // namespace qpvo::cuda
