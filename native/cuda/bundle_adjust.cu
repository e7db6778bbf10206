// SPDX-License-Identifier: MIT
#include "bundle_adjust.hpp"

#include "ops.hpp"
#include "runtime/launch.hpp"

namespace qpvo::cuda {

namespace {

constexpr int kThreads = 64;

__global__ void beginKernel(AdjustmentReport* report, double* covariance) {
  if (threadIdx.x == 0) *report = {1, 0};
  if (threadIdx.x < 36) covariance[threadIdx.x] = __longlong_as_double(0x7ff8000000000000LL);
}

}  // namespace

void setAdjustment(DeviceState& state, const BundleAdjustOptions& options, const std::int32_t* poseVariable, cudaStream_t stream) {
  const std::span variables(poseVariable, state.poseVariable.size());
  state.staging.uploadBoth(state.adjustmentTable.data(), std::as_bytes(std::span(&options, 1)), std::as_bytes(variables), stream);
}

void bundleAdjust(DeviceState& state, int iterations, cudaStream_t stream) {
  launch("bundleAdjust: begin", beginKernel, {.blocksX = 1, .threads = kThreads}, stream, state.report.data(), state.poseCovariance.data());
  for (int i = 0; i < iterations; ++i) {
    relateFrames(state, stream);
    linearizePairs(state, stream);
    gatherSources(state, stream);
    reduceSystem(state, stream);
    solveSystem(state, stream);
    applyStep(state, stream);
  }
}

}  // namespace qpvo::cuda
