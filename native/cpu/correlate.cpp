// SPDX-License-Identifier: MIT
#include <algorithm>
#include <numeric>

#include "qpvo/ops.hpp"
#include "reproject.hpp"
#include "simd/kernels.hpp"

namespace qpvo {

namespace {

/// One frame pair: the nine pixels of every patch, reprojected, against both levels of the target's pyramid.
void correlatePair(State& s, int p) {
  const Options& o = s.options;
  const int source = s.pairSource[p], target = s.pairTarget[p];
  const Reprojection reprojection(s, source, target);
  const float* maps[kLevels] = {s.fineMap(target), s.coarseMap(target)};
  const int heights[kLevels] = {s.gridHeight, s.coarseHeight}, widths[kLevels] = {s.gridWidth, s.coarseWidth};
  const int strides[kLevels] = {s.fineStride(), s.coarseStride()};
  for (int k = 0; k < o.patches; ++k) {
    const std::size_t edge = static_cast<std::size_t>(p) * o.patches + k;
    float x[kPatchPixels], y[kPatchPixels];
    reprojection.patch(s, source, k, x, y);
    s.centre[2 * edge] = x[4];
    s.centre[2 * edge + 1] = y[4];
    const float* patch = s.patchFeatures.data() + (static_cast<std::size_t>(source) * o.patches + k) * kPatchPixels * o.featureDim;
    float* out = s.correlation.data() + edge * kCorrelationDim;
    for (int level = 0; level < kLevels; ++level) {
      simd::kernels().correlate({patch, maps[level], heights[level], widths[level], strides[level], o.featureDim, x, y,
                                 out + level * kPatchPixels * kWindow * kWindow});
      for (int i = 0; i < kPatchPixels; ++i) {
        x[i] *= 0.25f;
        y[i] *= 0.25f;
      }
    }
  }
}

}  // namespace

void correlate(State& state, int count) {
  // Pairs of one target follow each other, so that its maps stay in the cache.
  std::iota(state.pairOrder.begin(), state.pairOrder.begin() + count, 0);
  std::sort(state.pairOrder.begin(), state.pairOrder.begin() + count, [&](int a, int b) {
    return state.pairTarget[a] != state.pairTarget[b] ? state.pairTarget[a] < state.pairTarget[b] : a < b;
  });
  state.pool.run(count, [&](int item, int) { correlatePair(state, state.pairOrder[item]); });
}

}  // namespace qpvo
