// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "qpvo/network/update.hpp"

namespace qpvo::network {

/// The pairs of each source frame in ascending order of their targets, longest chain first. Room for all is made at the start.
class SourceChains {
 public:
  struct Chain {
    int source;  ///< ring slot
    int first;   ///< in order()
    int length;
  };

  SourceChains(int maxPairs, int ringSlots);

  /// @throws QPVO_INTERNAL unless the pairs are one chain per source that covers every pair once
  void arrange(const PairTable& pairs);

  const std::vector<Chain>& chains() const { return chains_; }
  const std::vector<int>& order() const { return order_; }

 private:
  int maxPairs_;
  std::vector<Chain> chains_;
  std::vector<int> order_;
  std::vector<char> sourceSeen_;
};

}  // namespace qpvo::network
