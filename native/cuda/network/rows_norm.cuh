// SPDX-License-Identifier: MIT
#pragma once

#include "rows_product.cuh"

namespace qpvo::cuda::network {

inline constexpr float kNormEpsilon = 1e-3f;

/// Sums of the rows over all columns below `width`, of f(x). partial: shared memory, [kWarps][kRows]. A barrier; the caller sees to it that `partial` is not in use.
template <class V, class F>
__device__ __forceinline__ void rowSums(float (&out)[V::kRowTiles][2], const Sums<V>& sums, int width, float* partial, F&& f) {
  const int firstColumn = warpIndex() * V::kColumnTiles * kMatrixColumns + columnInMatrix();
#pragma unroll
  for (int i = 0; i < V::kRowTiles; ++i) {
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      float sum = 0;
#pragma unroll
      for (int j = 0; j < V::kColumnTiles; ++j) {
        const int column = firstColumn + j * kMatrixColumns;
        if (column < width) sum += f(sums.at[i][j].x[2 * h], i, h);
        if (column + 1 < width) sum += f(sums.at[i][j].x[2 * h + 1], i, h);
      }
      sum += __shfl_xor_sync(kAllLanes, sum, 1);
      sum += __shfl_xor_sync(kAllLanes, sum, 2);
      if (laneIndex() % 4 == 0) partial[warpIndex() * V::kRows + i * kMatrixRows + h * 8 + rowInMatrix()] = sum;
    }
  }
  __syncthreads();
#pragma unroll
  for (int i = 0; i < V::kRowTiles; ++i) {
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      const float* of = partial + i * kMatrixRows + h * 8 + rowInMatrix();
      float sum = of[0];
#pragma unroll
      for (int warp = 1; warp < V::kWarps; ++warp) sum += of[warp * V::kRows];
      out[i][h] = sum;
    }
  }
}

/// Layer norm of every row over `width` columns, then ReLU if asked for; columns beyond are zero. partial: shared memory, [2][kWarps][kRows]. Two barriers.
template <class V>
__device__ __forceinline__ void layerNorm(Sums<V>& sums, int width, const Norm& norm, bool relu, float* partial) {
  float mean[V::kRowTiles][2], rate[V::kRowTiles][2];
  rowSums<V>(mean, sums, width, partial, [](float x, int, int) { return x; });
#pragma unroll
  for (int i = 0; i < V::kRowTiles; ++i) {
#pragma unroll
    for (int h = 0; h < 2; ++h) mean[i][h] /= static_cast<float>(width);
  }
  rowSums<V>(rate, sums, width, partial + V::kWarps * V::kRows, [&](float x, int i, int h) { return (x - mean[i][h]) * (x - mean[i][h]); });
#pragma unroll
  for (int i = 0; i < V::kRowTiles; ++i) {
#pragma unroll
    for (int h = 0; h < 2; ++h) rate[i][h] = 1.0f / sqrtf(rate[i][h] / static_cast<float>(width) + kNormEpsilon);
  }
  const int firstColumn = warpIndex() * V::kColumnTiles * kMatrixColumns + columnInMatrix();
#pragma unroll
  for (int j = 0; j < V::kColumnTiles; ++j) {
    const float2 gamma = readPair(norm.gamma + firstColumn + j * kMatrixColumns), beta = readPair(norm.beta + firstColumn + j * kMatrixColumns);
#pragma unroll
    for (int i = 0; i < V::kRowTiles; ++i) {
#pragma unroll
      for (int h = 0; h < 2; ++h) {
        float &x = sums.at[i][j].x[2 * h], &y = sums.at[i][j].x[2 * h + 1];
        x = (x - mean[i][h]) * rate[i][h] * gamma.x + beta.x;
        y = (y - mean[i][h]) * rate[i][h] * gamma.y + beta.y;
        if (relu) {
          x = fmaxf(x, 0.0f);
          y = fmaxf(y, 0.0f);
        }
      }
    }
  }
}

}  // namespace qpvo::cuda::network
