// SPDX-License-Identifier: MIT
#include "device/warp.cuh"
#include "ops.hpp"
#include "reproject.cuh"
#include "runtime/launch.hpp"

namespace qpvo::cuda {

namespace {

constexpr int kThreads = 256;

struct FlowTask {
  const double* poses;
  Lens lens;
  const float *patchX, *patchY, *inverseDepth;  ///< [M] of the source
  int source, target, patches;
  float beta;
  Flow* answer;
};

__device__ float distance(float x, float y) { return sqrtf(x * x + y * y); }

/// One block, a thread per pixel of a patch.
__global__ void __launch_bounds__(kThreads) flowKernel(FlowTask t) {
  __shared__ PairMotion motion;
  __shared__ double warps[kWarp];
  if (threadIdx.x == 0) motion = motionOf(relativePose(t.poses, t.source, t.target));
  __syncthreads();
  double mean = 0, parallax = 0;
  const int pixels = t.patches * kPatchPixels;
  for (int i = static_cast<int>(threadIdx.x); i < pixels; i += kThreads) {
    const int k = i / kPatchPixels, pixel = i % kPatchPixels;
    const float d = t.inverseDepth[k], x = t.patchX[k] + static_cast<float>(pixel % 3 - 1), y = t.patchY[k] + static_cast<float>(pixel / 3 - 1);
    float fullX, fullY, turnX, turnY, shiftX, shiftY;
    project(t.lens, motion, x, y, d, fullX, fullY);
    project<true, false>(t.lens, motion, x, y, d, turnX, turnY);
    project<false, true>(t.lens, motion, x, y, d, shiftX, shiftY);
    mean += t.beta * distance(fullX - x, fullY - y) + (1 - t.beta) * distance(shiftX - x, shiftY - y);
    parallax += distance(fullX - turnX, fullY - turnY);
  }
  mean = blockSum<kThreads>(mean, warps);
  parallax = blockSum<kThreads>(parallax, warps);
  if (threadIdx.x == 0) *t.answer = {static_cast<float>(mean / pixels), static_cast<float>(parallax / pixels)};
}

}  // namespace

void flowMagnitude(DeviceState& state, int question, int source, int target, float beta, cudaStream_t stream) {
  const std::size_t base = static_cast<std::size_t>(source) * state.patchStride;
  const FlowTask task{state.poses.data(),
                      lensOf(state.options),
                      state.patchX.data() + base,
                      state.patchY.data() + base,
                      state.inverseDepth.data() + base,
                      source,
                      target,
                      state.options.patches,
                      beta,
                      state.flowAnswers.data() + question};
  launch("flowMagnitude", flowKernel, {.blocksX = 1, .threads = kThreads}, stream, task);
}

}  // namespace qpvo::cuda
