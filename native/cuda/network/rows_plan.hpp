// SPDX-License-Identifier: MIT
#pragma once

namespace qpvo::cuda::network {

/// Where the parts of a block's dynamic shared memory begin, bytes; the rows' state begins at 0.
struct SharedPlan {
  int input, inner, stages, stageCount, partial, zeros, edge;
  int bytes;  ///< of all
};

/// What a tile of rows needs.
struct SharedNeed {
  int stateBytes, inputBytes, innerBytes, stageBytes, stageCount, partialBytes, rows;
};

constexpr SharedPlan planShared(const SharedNeed& need) {
  SharedPlan plan{};
  plan.input = need.stateBytes;
  plan.inner = plan.input + need.inputBytes;
  plan.stages = plan.inner + need.innerBytes;
  plan.stageCount = need.stageCount;
  plan.partial = plan.stages + need.stageBytes * need.stageCount;
  plan.zeros = plan.partial + need.partialBytes;
  plan.edge = plan.zeros + 64;
  plan.bytes = plan.edge + 2 * need.rows * static_cast<int>(sizeof(int));
  return plan;
}

}  // namespace qpvo::cuda::network
