// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "state.hpp"

namespace qpvo::cuda {

/// Questions about health and flow, collected on the host until the device answers them all at once.
class Questions {
 public:
  explicit Questions(int maxPairs) { pairs_.reserve(static_cast<std::size_t>(kQuestions) * maxPairs); }

  /// Of the pairs set those whose flag is set; those of a frame with itself are left out. flags: [count]. @throws QPVO_INTERNAL for more than kQuestions of a kind
  void askHealth(const DeviceState& state, int count, const std::uint8_t* flags, float inlierThreshold, float minConfidence, float margin);
  void askFlow(int source, int target, float beta);

  /// Brings them to state.questions.
  void upload(DeviceState& state, cudaStream_t stream) const;

  void clear();
  int healthCount() const { return table_.healthCount; }
  int flowCount() const { return table_.flowCount; }

 private:
  QuestionTable table_{};
  std::vector<std::int32_t> pairs_;
};

}  // namespace qpvo::cuda
