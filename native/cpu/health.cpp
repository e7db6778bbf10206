// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>

#include "qpvo/ops.hpp"
#include "reproject.hpp"

namespace qpvo {

namespace {

struct Sums {
  double weight = 0, residual = 0;
  int edges = 0, confident = 0, inliers = 0;
};

}  // namespace

Health assessHealth(State& state, int count, const std::uint8_t* flags, float inlierThreshold, float minConfidence, float margin) {
  const Options& o = state.options;
  Sums sums;
  for (int p = 0; p < count; ++p) {
    const int source = state.pairSource[p], target = state.pairTarget[p];
    if (flags[p] == 0 || source == target) continue;
    const Reprojection reprojection(state, source, target);
    for (int k = 0; k < o.patches; ++k) {
      const std::size_t e = (static_cast<std::size_t>(p) * o.patches + k) * 2, i = static_cast<std::size_t>(source) * state.patchStride + k;
      float x, y;
      reprojection.project(state.patchX[i], state.patchY[i], state.inverseDepth[i], true, true, x, y);
      const float confidence = 0.5f * (state.weight[e] + state.weight[e + 1]);
      const float r = std::hypot(state.centre[e] + state.delta[e] - x, state.centre[e + 1] + state.delta[e + 1] - y);
      const bool inside = x > -margin && y > -margin && x < static_cast<float>(state.gridWidth) + margin && y < static_cast<float>(state.gridHeight) + margin;
      state.health[sums.edges++] = std::isfinite(confidence) ? confidence : 0.f;
      if (!(confidence >= minConfidence)) continue;
      ++sums.confident;
      if (!std::isfinite(r) || !inside) continue;
      sums.weight += confidence;
      sums.residual += static_cast<double>(confidence) * r;
      sums.inliers += r < inlierThreshold;
    }
  }
  Health health{0, 0, 0, sums.edges};
  if (sums.edges == 0) return health;
  float* middle = state.health.data() + sums.edges / 2;
  std::nth_element(state.health.data(), middle, state.health.data() + sums.edges);
  health.medianConfidence = *middle;
  health.residual = sums.weight > 0 ? static_cast<float>(sums.residual / sums.weight) : 0;
  // Edges without confidence count against the share: a frame that nothing is seen in is not a good one.
  health.inlierShare = static_cast<float>(sums.inliers) / static_cast<float>(sums.edges);
  return health;
}

}  // namespace qpvo
