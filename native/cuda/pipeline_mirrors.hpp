// SPDX-License-Identifier: MIT
#pragma once

#include "pipeline.hpp"
#include "state.hpp"

namespace qpvo::cuda {

/// The pinned memory of the pipeline's mirrors, and the way of the device's arrays into it.
class PipelineMirrors {
 public:
  explicit PipelineMirrors(const DeviceState& state);

  const Mirrors& views() const { return views_; }

  /// Enqueue, each to the same places every time; what they fetch is there after a wait.
  void fetchFrames(const DeviceState& state, cudaStream_t stream);
  void fetchPairs(const DeviceState& state, int pairs, cudaStream_t stream);
  void fetchView(const DeviceState& state, cudaStream_t stream);

  /// As fetched.
  BundleAdjustReport report() const { return {report_[0].solved != 0, report_[0].validEdges}; }
  const Health& health(int question) const { return health_[question]; }
  const Flow& flow(int question) const { return flows_[question]; }

 private:
  PinnedBuffer<std::int32_t> pairSource_, pairTarget_, poseVariable_, cells_;
  PinnedBuffer<double> poses_, poseCovariance_;
  PinnedBuffer<float> patchX_, patchY_, inverseDepth_, depthVariance_, centre_, delta_, weight_, image_, points_;
  PinnedBuffer<std::uint8_t> colors_;
  PinnedBuffer<AdjustmentReport> report_;
  PinnedBuffer<Health> health_;
  PinnedBuffer<Flow> flows_;
  std::size_t perPair_;  ///< values of centre, delta, weight
  Mirrors views_;
};

}  // namespace qpvo::cuda
