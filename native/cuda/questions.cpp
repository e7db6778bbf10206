// SPDX-License-Identifier: MIT
#include "questions.hpp"

#include <string>

#include "qpvo/error.hpp"

namespace qpvo::cuda {

namespace {

void requireRoom(int asked, const char* kind) {
  if (asked < kQuestions) return;
  throw Error("QPVO_INTERNAL", std::string("questions about ") + kind + ": expected at most " + std::to_string(kQuestions) + " until readBack(), but received another one.");
}

}  // namespace

void Questions::askHealth(const DeviceState& state, int count, const std::uint8_t* flags, float inlierThreshold, float minConfidence, float margin) {
  requireRoom(table_.healthCount, "health");
  const std::int32_t *source = state.pairsHost(), *target = source + state.options.maxPairs;
  const std::int32_t first = table_.pairCount;
  for (int p = 0; p < count; ++p) {
    if (flags[p] != 0 && source[p] != target[p]) pairs_.push_back(p);
  }
  table_.pairCount = static_cast<std::int32_t>(pairs_.size());
  table_.health[table_.healthCount++] = {first, table_.pairCount - first, inlierThreshold, minConfidence, margin};
}

void Questions::askFlow(int source, int target, float beta) {
  requireRoom(table_.flowCount, "flow");
  table_.flows[table_.flowCount++] = {source, target, beta};
}

void Questions::upload(DeviceState& state, cudaStream_t stream) const {
  state.staging.uploadBoth(state.questions.data(), std::as_bytes(std::span(&table_, 1)), std::as_bytes(std::span(pairs_)), stream);
}

void Questions::clear() {
  table_ = {};
  pairs_.clear();
}

}  // namespace qpvo::cuda
