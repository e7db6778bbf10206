// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace qpvo::gpu {

/// The pairs of a rolling window of frames, as the odometry keeps them (src/odometry/PatchGraph.ts): a removed pair's place is taken by the last one.
class PairWindow {
 public:
  /// Pair `from` is now pair `to`.
  using Move = std::function<void(int from, int to)>;

  std::vector<std::int32_t> source, target;  ///< [count()] ring slots
  std::vector<std::int32_t> previous, next;  ///< [count()] pair of the same source with the next older or newer target, or -1; of the last link()
  std::vector<int> frames;                   ///< ring slots, oldest first

  int count() const { return static_cast<int>(source.size()); }

  /// A frame comes, in pairs with itself and both ways with the reach - 1 frames before it. Returns the first new pair.
  int accept(int slot, int reach);
  /// A frame goes with all its pairs.
  void remove(int slot, const Move& move);
  /// The pairs go whose source has `window` or more frames after it.
  void retire(int window, const Move& move);
  /// The oldest frames go that no pair uses, but for the newest `kept` ones.
  void evict(int kept);
  /// Fills previous and next.
  void link();

 private:
  void append(int from, int to);
  void removePairs(const std::function<bool(int pair)>& chosen, const Move& move);

  std::vector<std::int32_t> pairAt_;  ///< [slots][slots] scratch of link()
};

}  // namespace qpvo::gpu
