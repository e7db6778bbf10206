// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>

#include "qpvo/error.hpp"

namespace qpvo::cuda::network {

/// Where the parts of a block's dynamic shared memory begin, bytes; the rows' state begins at 0.
struct SharedPlan {
  int input, inner, stages, stageCount, zeros, edge;
  int bytes;  ///< of all
};

/// What a tile of rows needs.
struct SharedNeed {
  int stateBytes, inputBytes, innerBytes, stageBytes, stageCount, rows;
};

constexpr SharedPlan planShared(const SharedNeed& need) {
  SharedPlan plan{};
  plan.input = need.stateBytes;
  plan.inner = plan.input + need.inputBytes;
  plan.stages = plan.inner + need.innerBytes;
  plan.stageCount = need.stageCount;
  plan.zeros = plan.stages + need.stageBytes * need.stageCount;
  plan.edge = plan.zeros + 64;
  plan.bytes = plan.edge + 2 * need.rows * static_cast<int>(sizeof(int));
  return plan;
}

/// Of the shared memory of a multiprocessor, which is one reserve larger than what a block can have.
inline constexpr int kReservedPerBlock = 1024;

/// As many panels of weights under way as fit, to three; but the third only where it takes no block from the multiprocessor, of the `blocks` that its registers have
/// room for. @throws QPVO_NO_DEVICE where not one fits
inline SharedPlan plannedWithin(SharedNeed need, std::size_t sharedPerBlock, int blocks) {
  const auto planned = [&](int stages) {
    need.stageCount = stages;
    return planShared(need);
  };
  const auto blocksOf = [&](int stages) { return std::min(blocks, (static_cast<int>(sharedPerBlock) + kReservedPerBlock) / (planned(stages).bytes + kReservedPerBlock)); };
  if (blocksOf(2) > 0) return planned(blocksOf(3) < blocksOf(2) ? 2 : 3);
  if (blocksOf(1) == 0)
    throw Error("QPVO_NO_DEVICE", "shared memory of a block: expected a GPU with at least " + std::to_string(planned(1).bytes) +
                                      " bytes for this model in this precision, but received one with " + std::to_string(sharedPerBlock) + ". Use fp16, or the CPU.");
  return planned(1);
}

}  // namespace qpvo::cuda::network
