// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "staging.hpp"

namespace qpvo::cuda {

/// Pair `to` becomes what pair `from` is.
struct HiddenMove {
  std::int32_t from, to;
};

/// Moves of the hidden states of pairs, collected on the host and done by one launch: dozens at once when a keyframe is removed.
class HiddenMoves {
 public:
  HiddenMoves(int maxPairs, std::size_t bytesPerPair);

  /// Pair `to` will be what pair `from` is after the moves so far. False, and nothing noted, when the moves so far must be done first, because one of them still needs
  /// `to`.
  bool add(int from, int to);

  /// Enqueues what was collected and forgets it. hidden: [P][bytesPerPair].
  void apply(std::byte* hidden, Staging& staging, cudaStream_t stream);

  bool empty() const { return moves_.empty(); }

 private:
  std::size_t bytesPerPair_;
  std::vector<HiddenMove> moves_;
  std::vector<std::int32_t> moveOf_;     ///< [P] index of the move to this pair, -1 = none
  std::vector<std::int32_t> readersOf_;  ///< [P] how many moves read this pair
  DeviceBuffer<HiddenMove> onDevice_;
};

}  // namespace qpvo::cuda
