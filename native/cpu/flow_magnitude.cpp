// SPDX-License-Identifier: MIT
#include <cmath>

#include "qpvo/ops.hpp"
#include "reproject.hpp"

namespace qpvo {

Flow flowMagnitude(const State& state, int source, int target, float beta) {
  const Reprojection reprojection(state, source, target);
  double mean = 0, parallax = 0;
  for (int k = 0; k < state.options.patches; ++k) {
    const std::size_t i = static_cast<std::size_t>(source) * state.patchStride + k;
    const float d = state.inverseDepth[i];
    for (int p = 0; p < kPatchPixels; ++p) {
      const float x = state.patchX[i] + static_cast<float>(p % 3 - 1), y = state.patchY[i] + static_cast<float>(p / 3 - 1);
      float fullX, fullY, rotX, rotY, transX, transY;
      reprojection.project(x, y, d, true, true, fullX, fullY);
      reprojection.project(x, y, d, true, false, rotX, rotY);
      reprojection.project(x, y, d, false, true, transX, transY);
      mean += beta * std::hypot(fullX - x, fullY - y) + (1 - beta) * std::hypot(transX - x, transY - y);
      parallax += std::hypot(fullX - rotX, fullY - rotY);
    }
  }
  const double n = static_cast<double>(state.options.patches) * kPatchPixels;
  return {static_cast<float>(mean / n), static_cast<float>(parallax / n)};
}

}  // namespace qpvo
