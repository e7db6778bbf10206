// SPDX-License-Identifier: MIT
#include "device/warp.cuh"
#include "ops.hpp"
#include "reproject.cuh"
#include "runtime/launch.hpp"

namespace qpvo::cuda {

namespace {

constexpr int kThreads = 256;

struct FlowTask {
  const QuestionTable* questions;
  const double* poses;
  Lens lens;
  const float *patchX, *patchY, *inverseDepth;
  int patches, patchStride;
  Flow* answers;
};

__device__ float distance(float x, float y) { return sqrtf(x * x + y * y); }

/// A block per question, a thread per pixel of a patch.
__global__ void __launch_bounds__(kThreads) flowKernel(FlowTask t) {
  __shared__ PairMotion motion;
  __shared__ double warps[kWarp];
  const int number = static_cast<int>(blockIdx.x);
  if (number >= t.questions->flowCount) return;
  const FlowQuestion question = t.questions->flows[number];
  if (threadIdx.x == 0) motion = motionOf(relativePose(t.poses, question.source, question.target));
  __syncthreads();
  double mean = 0, parallax = 0;
  const int pixels = t.patches * kPatchPixels;
  for (int i = static_cast<int>(threadIdx.x); i < pixels; i += kThreads) {
    const int k = i / kPatchPixels, pixel = i % kPatchPixels;
    const std::size_t patch = static_cast<std::size_t>(question.source) * t.patchStride + k;
    const float d = t.inverseDepth[patch], x = t.patchX[patch] + static_cast<float>(pixel % 3 - 1), y = t.patchY[patch] + static_cast<float>(pixel / 3 - 1);
    float fullX, fullY, turnX, turnY, shiftX, shiftY;
    project(t.lens, motion, x, y, d, fullX, fullY);
    project<true, false>(t.lens, motion, x, y, d, turnX, turnY);
    project<false, true>(t.lens, motion, x, y, d, shiftX, shiftY);
    mean += question.beta * distance(fullX - x, fullY - y) + (1 - question.beta) * distance(shiftX - x, shiftY - y);
    parallax += distance(fullX - turnX, fullY - turnY);
  }
  mean = blockSum<kThreads>(mean, warps);
  parallax = blockSum<kThreads>(parallax, warps);
  if (threadIdx.x == 0) t.answers[number] = {static_cast<float>(mean / pixels), static_cast<float>(parallax / pixels)};
}

}  // namespace

void flowMagnitude(DeviceState& state, cudaStream_t stream) {
  const FlowTask task{reinterpret_cast<const QuestionTable*>(state.questions.data()),
                      state.poses.data(),
                      lensOf(state.options),
                      state.patchX.data(),
                      state.patchY.data(),
                      state.inverseDepth.data(),
                      state.options.patches,
                      state.patchStride,
                      state.flowAnswers.data()};
  launch("flowMagnitude", flowKernel, {.blocksX = kQuestions, .threads = kThreads}, stream, task);
}

}  // namespace qpvo::cuda
