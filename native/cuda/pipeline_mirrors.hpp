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

  /// Enqueue, each to the same places every time; what they fetch is there after a wait. fetchFrames() is one copy.
  void fetchFrames(const DeviceState& state, cudaStream_t stream);
  void fetchPairs(const DeviceState& state, int pairs, cudaStream_t stream);
  void fetchView(const DeviceState& state, cudaStream_t stream);

  /// As fetched.
  BundleAdjustReport report() const { return {report_->solved != 0, report_->validEdges}; }
  const Health& health(int question) const { return health_[question]; }
  const Flow& flow(int question) const { return flows_[question]; }

 private:
  /// Where a part of state.fetched comes to lie.
  template <class T>
  T* placeOf(const DeviceState& state, const DeviceBuffer<T>& part) {
    return reinterpret_cast<T*>(fetched_.data() + (reinterpret_cast<const std::byte*>(part.data()) - state.fetched.data()));
  }

  PinnedBuffer<std::int32_t> pairSource_, pairTarget_, poseVariable_, cells_;
  PinnedBuffer<float> centre_, delta_, weight_, image_;
  PinnedBuffer<std::byte> fetched_;
  const AdjustmentReport* report_;
  const Health* health_;
  const Flow* flows_;
  std::size_t perPair_;  ///< values of centre, delta, weight
  Mirrors views_;
};

}  // namespace qpvo::cuda
