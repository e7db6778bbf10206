// SPDX-License-Identifier: MIT
#include "stage_clock.hpp"

#include "runtime/check.hpp"

namespace qpvo::gpu {

StageClock::StageClock() {
  for (cudaEvent_t& event : events_) cuda::check(cudaEventCreate(&event), "creating an event");
}

StageClock::~StageClock() {
  for (cudaEvent_t event : events_) cudaEventDestroy(event);
}

void StageClock::mark(std::size_t stage, cudaStream_t stream) { cuda::check(cudaEventRecord(events_[stage], stream), "timing"); }

void StageClock::endFrame() {
  cuda::check(cudaEventSynchronize(events_.back()), "timing");
  for (std::size_t stage = 0; stage < kStageCount; ++stage) {
    float elapsed = 0;
    cuda::check(cudaEventElapsedTime(&elapsed, events_[stage], events_[stage + 1]), "timing");
    times_[stage].push_back(elapsed);
  }
}

}  // namespace qpvo::gpu
