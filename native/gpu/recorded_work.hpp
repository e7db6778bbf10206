// SPDX-License-Identifier: MIT
#pragma once

#include <functional>

#include "runtime/context.hpp"
#include "runtime/graph.hpp"

namespace qpvo::gpu {

/// Work in CUDA graphs, one run and several of them: a launch of the whole, so that the host's time for the single launches hides behind nothing short. Work that cannot be
/// recorded, since it waits or allocates, is enqueued as it is.
class RecordedWork {
 public:
  /// Runs the work once, so that its kernels are loaded, and waits.
  RecordedWork(cuda::Context& context, const std::function<void()>& enqueue, int times);

  bool isRecorded() const { return once_.ready(); }
  int times() const { return times_; }
  /// Launches and copies of one run; 0 when it is not recorded.
  std::size_t nodes() const { return once_.nodes(); }
  /// Enqueues one run.
  void runOnce();
  /// Enqueues `times` runs, one after the other.
  void runAll();

 private:
  cuda::Context& context_;
  std::function<void()> enqueue_;
  int times_;
  cuda::Graph once_, all_;
};

}  // namespace qpvo::gpu
