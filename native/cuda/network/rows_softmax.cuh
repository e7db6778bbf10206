// SPDX-License-Identifier: MIT
#pragma once

#include "rows_product.cuh"

namespace qpvo::cuda::network {

/// Softmax over groups of neighbouring rows, per column, within the warp that has the column: all rows of a column lie in the eight lanes of equal lane % 4.
///
/// sums: a pass of a layer whose columns are values f in the first half of a warp's matrices, and logits g of the same columns in the second half. Rows of group n:
/// start(n) to start(n + 1) - 1. For all columns below passes * kColumns / 2 and all groups, by one lane each:
///   emit.maximum(group, column, x, y)                        largest logit of the columns column, column + 1
///   emit.sums(group, column, shareX, shareY, totalX, totalY) sum of exp(g - maximum), and of exp(g - maximum) f
template <class V, class Start, class Emit>
__device__ __forceinline__ void groupSoftmax(const Sums<V>& sums, int pass, int groups, const Start& start, const Emit& emit) {
  constexpr int kHalf = V::kColumnTiles / 2, kLaneRows = 2 * V::kRowTiles;
  const auto memberships = [&](int group) {
    const int begin = start(group), end = start(group + 1);
    unsigned members = 0;
#pragma unroll
    for (int n = 0; n < kLaneRows; ++n) {
      const int row = n * 8 + rowInMatrix();
      members |= (row >= begin && row < end ? 1u : 0u) << n;
    }
    return members;
  };
#pragma unroll
  for (int j = 0; j < kHalf; ++j) {
    const int column = pass * (V::kColumns / 2) + (warpIndex() * kHalf + j) * kMatrixColumns + columnInMatrix();
    float share[kLaneRows][2];
#pragma unroll
    for (int n = 0; n < kLaneRows; ++n) share[n][0] = share[n][1] = 0;
#pragma unroll 1
    for (int group = 0; group < groups; ++group) {
      const unsigned members = memberships(group);
      float most[2] = {-3e38f, -3e38f};
#pragma unroll
      for (int n = 0; n < kLaneRows; ++n) {
        if ((members >> n & 1) == 0) continue;
        most[0] = fmaxf(most[0], sums.at[n / 2][kHalf + j].x[n % 2 * 2]);
        most[1] = fmaxf(most[1], sums.at[n / 2][kHalf + j].x[n % 2 * 2 + 1]);
      }
#pragma unroll
      for (int mask = 4; mask < kWarp; mask *= 2) {
        most[0] = fmaxf(most[0], __shfl_xor_sync(kAllLanes, most[0], mask));
        most[1] = fmaxf(most[1], __shfl_xor_sync(kAllLanes, most[1], mask));
      }
#pragma unroll
      for (int n = 0; n < kLaneRows; ++n) {
        if ((members >> n & 1) == 0) continue;
        share[n][0] = most[0];
        share[n][1] = most[1];
      }
      if (rowInMatrix() == group % 8) emit.maximum(group, column, most[0], most[1]);
    }
#pragma unroll
    for (int n = 0; n < kLaneRows; ++n) {
#pragma unroll
      for (int c = 0; c < 2; ++c) share[n][c] = expf(sums.at[n / 2][kHalf + j].x[n % 2 * 2 + c] - share[n][c]);
    }
#pragma unroll 1
    for (int group = 0; group < groups; ++group) {
      const unsigned members = memberships(group);
      float weight[2] = {}, total[2] = {};
#pragma unroll
      for (int n = 0; n < kLaneRows; ++n) {
        if ((members >> n & 1) == 0) continue;
#pragma unroll
        for (int c = 0; c < 2; ++c) {
          weight[c] += share[n][c];
          total[c] = fmaf(share[n][c], sums.at[n / 2][j].x[n % 2 * 2 + c], total[c]);
        }
      }
#pragma unroll
      for (int mask = 4; mask < kWarp; mask *= 2) {
#pragma unroll
        for (int c = 0; c < 2; ++c) {
          weight[c] += __shfl_xor_sync(kAllLanes, weight[c], mask);
          total[c] += __shfl_xor_sync(kAllLanes, total[c], mask);
        }
      }
      if (rowInMatrix() == group % 8) emit.sums(group, column, weight[0], weight[1], total[0], total[1]);
    }
  }
}

}  // namespace qpvo::cuda::network
