// SPDX-License-Identifier: MIT
#include "qpvo/ops.hpp"

namespace qpvo {

void pointCloud(const State& state, int slot, float* out) {
  const Options& o = state.options;
  const Rigid<double> worldFromCamera = inverse(state.pose(slot));
  for (int k = 0; k < o.patches; ++k) {
    const std::size_t i = static_cast<std::size_t>(slot) * state.patchStride + k;
    const double z = 1 / static_cast<double>(state.inverseDepth[i]);
    const double camera[3] = {(state.patchX[i] - o.cx) / o.fx * z, (state.patchY[i] - o.cy) / o.fy * z, z};
    double world[3];
    rotate(worldFromCamera.q, camera, world);
    for (int c = 0; c < 3; ++c) out[3 * k + c] = static_cast<float>(world[c] + worldFromCamera.t[c]);
  }
}

}  // namespace qpvo
