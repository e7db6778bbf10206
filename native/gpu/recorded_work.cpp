// SPDX-License-Identifier: MIT
#include "recorded_work.hpp"

#include "qpvo/error.hpp"

namespace qpvo::gpu {

RecordedWork::RecordedWork(cuda::Context& context, const std::function<void()>& enqueue, int times) : context_(context), enqueue_(enqueue), times_(times) {
  enqueue_();
  context_.synchronize();
  try {
    once_.capture(context_.stream(), enqueue_);
    all_.capture(context_.stream(), [&] {
      for (int i = 0; i < times_; ++i) enqueue_();
    });
  } catch (const Error&) {
    once_ = cuda::Graph();
    context_.synchronize();  // throws what was more than a refusal to be recorded
  }
}

void RecordedWork::runOnce() {
  if (!isRecorded()) return enqueue_();
  once_.replay(context_.stream());
}

void RecordedWork::runAll() {
  if (isRecorded()) return all_.replay(context_.stream());
  for (int i = 0; i < times_; ++i) enqueue_();
}

}  // namespace qpvo::gpu
