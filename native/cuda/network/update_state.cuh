// SPDX-License-Identifier: MIT
#pragma once

#include "rows_block.cuh"
#include "rows_norm.cuh"
#include "update_arguments.cuh"

// Tiles of neighbouring edges through both gated residuals and the heads.

namespace qpvo::cuda::network {

/// A pass of a layer that waits in registers for another one, in the type in which rows wait.
template <class V>
class Waiting {
 public:
  __device__ __forceinline__ void put(const Sums<V>& sums) {
#pragma unroll
    for (int n = 0; n < kPairs; ++n) writePair(held_ + 2 * n, value(sums, n, 0), value(sums, n, 1));
  }

  /// gate = sigmoid(gate) * what waits.
  __device__ __forceinline__ void multiplyInto(Sums<V>& gate) const {
#pragma unroll
    for (int n = 0; n < kPairs; ++n) {
      const float2 pair = readPair(held_ + 2 * n);
      CFloat& at = gate.at[n / 2 / V::kColumnTiles][n / 2 % V::kColumnTiles];
      at.x[n % 2 * 2] = pair.x / (1.0f + expf(-at.x[n % 2 * 2]));
      at.x[n % 2 * 2 + 1] = pair.y / (1.0f + expf(-at.x[n % 2 * 2 + 1]));
    }
  }

 private:
  static constexpr int kPairs = V::kRowTiles * V::kColumnTiles * 2;
  static __device__ __forceinline__ float value(const Sums<V>& sums, int n, int c) { return sums.at[n / 2 / V::kColumnTiles][n / 2 % V::kColumnTiles].x[n % 2 * 2 + c]; }

  alignas(8) typename V::State held_[2 * kPairs];
};

/// x + sigmoid(gate x) * res x of the tile's rows x.
template <class V>
__device__ __forceinline__ void gatedResidual(const RowTile<V>& tile, const GatedLayers& block, WeightStream<V>& weights, Sums<V>& sums) {
  Waiting<V> residual;
  firstOfTwo<V>(tile, block.first, block.second, weights);
  multiply<V, Input::unsignedBytes>(sums, block.second, 0, tile.inner, tile.zeros, weights);
  residual.put(sums);
  multiply<V, Input::signedBytes>(sums, block.gate, 0, tile.of(block.gate), tile.zeros, weights);
  residual.multiplyInto(sums);
  addState<V>(tile, sums);
}

/// Flow and confidence of every row. sums: the hidden state. partial: shared memory, [kWarps][kRows][4]. A barrier.
template <class V>
__device__ __forceinline__ void writeHeads(const StateArguments<V>& p, const Sums<V>& sums, int firstEdge, int rows, float* partial) {
  const int firstColumn = warpIndex() * V::kColumnTiles * kMatrixColumns + columnInMatrix();
#pragma unroll
  for (int i = 0; i < V::kRowTiles; ++i) {
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      float dot[4] = {};
#pragma unroll
      for (int j = 0; j < V::kColumnTiles; ++j) {
        const float x = fmaxf(sums.at[i][j].x[2 * h], 0.0f), y = fmaxf(sums.at[i][j].x[2 * h + 1], 0.0f);
#pragma unroll
        for (int o = 0; o < 4; ++o) {
          const float2 w = readPair(p.heads + o * V::kColumns + firstColumn + j * kMatrixColumns);
          dot[o] = fmaf(x, w.x, dot[o]);
          dot[o] = fmaf(y, w.y, dot[o]);
        }
      }
#pragma unroll
      for (int o = 0; o < 4; ++o) {
        dot[o] += __shfl_xor_sync(kAllLanes, dot[o], 1);
        dot[o] += __shfl_xor_sync(kAllLanes, dot[o], 2);
      }
      if (laneIndex() % 4 == 0) {
        float* at = partial + (warpIndex() * V::kRows + i * kMatrixRows + h * 8 + rowInMatrix()) * 4;
        *reinterpret_cast<float4*>(at) = make_float4(dot[0], dot[1], dot[2], dot[3]);
      }
    }
  }
  __syncthreads();
  for (int item = static_cast<int>(threadIdx.x); item < rows * 4; item += V::kThreads) {
    float sum = partial[item];
    for (int warp = 1; warp < V::kWarps; ++warp) sum += partial[warp * V::kRows * 4 + item];
    const int o = item % 4;
    const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(firstEdge + item / 4) * 2 + o % 2;
    sum += p.headsBias[o];
    if (o < 2) {
      p.delta[at] = sum;
    } else {
      p.weight[at] = 1.0f / (1.0f + expf(-sum));
    }
  }
}

template <class V>
__global__ void __launch_bounds__(V::kThreads, V::kBlocks) updateState(const StateArguments<V> p) {
  const int first = static_cast<int>(blockIdx.x) * V::kRows, left = p.tables.counts->pairs * p.patches - first;
  if (left <= 0) return;
  const RowTile<V> tile(p.plan);
  const int rows = left < V::kRows ? left : V::kRows;
  WeightStream<V> weights(p.weights.first, p.weights.panels, tile.stages, p.plan.stageCount);
  Sums<V> sums;
  forEachPair(sums, [&](int row, int column, float& x, float& y) {
    x = y = 0;
    if (row >= rows || column >= p.hiddenDim) return;
    const float2 state = readPair(p.rows + static_cast<std::ptrdiff_t>(first + row) * p.hiddenDim + column);
    const float2 pair = readPair(p.pairRows + static_cast<std::ptrdiff_t>((first + row) / p.patches) * p.hiddenDim + column);
    x = state.x + pair.x;
    y = state.y + pair.y;
  });
#pragma unroll 1
  for (int n = 0; n < 2; ++n) {
    layerNorm<V>(sums, p.hiddenDim, p.blocks[n].norm, false, tile.partial());
    putState<V>(tile, sums, p.blocks[n].gate);
    gatedResidual<V>(tile, p.blocks[n], weights, sums);
  }
  writeHeads<V>(p, sums, first, rows, tile.partial());
  forEachPair(sums, [&](int row, int column, float x, float y) { writePair(statePair<V>(tile, row, column), x, y); });
  __syncthreads();
  const int inRow = p.hiddenDim / 8;
  for (int item = static_cast<int>(threadIdx.x); item < rows * inRow; item += V::kThreads) {
    const int row = item / inRow, column = item % inRow * 8;
    writeEight(p.hiddenOut + static_cast<std::ptrdiff_t>(first + row) * p.hiddenDim + column, readEightOfPanels<typename V::State>(tile.state, row, V::kRows, column));
  }
}

}  // namespace qpvo::cuda::network
