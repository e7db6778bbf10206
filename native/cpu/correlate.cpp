// SPDX-License-Identifier: MIT
#include <algorithm>
#include <numeric>

#include "qpvo/ops.hpp"
#include "reproject.hpp"
#include "simd/kernels.hpp"

namespace qpvo {

namespace {

/// One patch against one level of the target's pyramid.
void correlateFloats(State& s, int source, int k, int target, int level, const float* x, const float* y, float* out) {
  const Options& o = s.options;
  const float* patch = s.patchFeatures.data() + (static_cast<std::size_t>(source) * o.patches + k) * kPatchPixels * o.featureDim;
  if (level == 0) {
    simd::kernels().correlate({patch, s.fineMap(target), s.gridHeight, s.gridWidth, s.fineStride(), o.featureDim, x, y, out});
  } else {
    simd::kernels().correlate({patch, s.coarseMap(target), s.coarseHeight, s.coarseWidth, s.coarseStride(), o.featureDim, x, y, out});
  }
}

/// One frame pair: the nine pixels of every patch, reprojected, against both levels of the target's pyramid.
void correlatePair(State& s, int p) {
  const Options& o = s.options;
  const int source = s.pairSource[p], target = s.pairTarget[p];
  const Reprojection reprojection(s, source, target);
  const bool leavesBytes = s.correlationBytes.size() > 0;
  float row[kCorrelationDim];
  for (int k = 0; k < o.patches; ++k) {
    const std::size_t edge = static_cast<std::size_t>(p) * o.patches + k;
    float x[kPatchPixels], y[kPatchPixels];
    reprojection.patch(s, source, k, x, y);
    s.centre[2 * edge] = x[4];
    s.centre[2 * edge + 1] = y[4];
    float* out = leavesBytes ? row : s.correlation.data() + edge * kCorrelationDim;
    for (int level = 0; level < kLevels; ++level) {
      float* window = out + level * kPatchPixels * kWindow * kWindow;
      if (s.byteMaps) {
        s.byteMaps->correlate(source, k, target, level, x, y, window);
      } else {
        correlateFloats(s, source, k, target, level, x, y, window);
      }
      for (int i = 0; i < kPatchPixels; ++i) {
        x[i] *= 0.25f;
        y[i] *= 0.25f;
      }
    }
    if (leavesBytes) s.byteMaps->narrow(row, kCorrelationDim, o.correlationScale, s.correlationBytes.data() + edge * kCorrelationStride);
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
