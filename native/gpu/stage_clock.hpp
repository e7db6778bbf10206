// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <vector>

#include "steady_run.hpp"

namespace qpvo::gpu {

/// Times the stages of frames on the GPU, gaps between launches included.
class StageClock final : public StageMarks {
 public:
  StageClock();
  ~StageClock() override;
  StageClock(const StageClock&) = delete;
  StageClock& operator=(const StageClock&) = delete;

  void mark(std::size_t stage, cudaStream_t stream) override;
  /// Takes down the frame whose stages were all marked. Waits for it.
  void endFrame();
  /// Milliseconds of each stage, of each frame.
  const std::array<std::vector<double>, kStageCount>& times() const { return times_; }

 private:
  std::array<cudaEvent_t, kStageCount + 1> events_{};
  std::array<std::vector<double>, kStageCount> times_;
};

}  // namespace qpvo::gpu
