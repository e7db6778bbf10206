// SPDX-License-Identifier: MIT
#include "ops.hpp"
#include "reproject.cuh"
#include "runtime/launch.hpp"

namespace qpvo::cuda {

namespace {

constexpr int kThreads = 128;

/// Blocks: [patches / kThreads][slots].
__global__ void pointKernel(const double* poses, Lens lens, const float* patchX, const float* patchY, const float* inverseDepth, int patches, int patchStride,
                            float* points) {
  const int k = static_cast<int>(blockIdx.x) * kThreads + static_cast<int>(threadIdx.x), slot = static_cast<int>(blockIdx.y);
  if (k >= patches) return;
  const Rigid<double> worldFromCamera = inverse(poseOf(poses, slot));
  const std::size_t i = static_cast<std::size_t>(slot) * patchStride + k;
  const double z = 1 / static_cast<double>(inverseDepth[i]);
  const double camera[3] = {(patchX[i] - lens.cx) / lens.fx * z, (patchY[i] - lens.cy) / lens.fy * z, z};
  double world[3];
  rotate(worldFromCamera.q, camera, world);
  float* out = points + (static_cast<std::size_t>(slot) * patches + k) * 3;
  for (int c = 0; c < 3; ++c) out[c] = static_cast<float>(world[c] + worldFromCamera.t[c]);
}

}  // namespace

void pointCloud(DeviceState& state, cudaStream_t stream) {
  const Options& o = state.options;
  const Shape shape{.blocksX = blocksFor(o.patches, kThreads), .blocksY = static_cast<unsigned>(o.ringSlots), .threads = kThreads};
  launch("pointCloud", pointKernel, shape, stream, state.poses.data(), lensOf(o), state.patchX.data(), state.patchY.data(), state.inverseDepth.data(), o.patches,
         state.patchStride, state.points.data());
}

}  // namespace qpvo::cuda
