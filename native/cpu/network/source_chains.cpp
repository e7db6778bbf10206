// SPDX-License-Identifier: MIT
#include "source_chains.hpp"

#include <algorithm>

#include "qpvo/error.hpp"

namespace qpvo::network {

namespace {

[[noreturn]] void broken(const std::string& received) {
  throw Error("QPVO_INTERNAL", "frame pairs: expected one chain of neighbours per source that covers every pair once, but received " + received + ".");
}

}  // namespace

SourceChains::SourceChains(int maxPairs, int ringSlots) : maxPairs_(maxPairs), sourceSeen_(ringSlots) {
  chains_.reserve(ringSlots);
  order_.reserve(maxPairs);
}

void SourceChains::arrange(const PairTable& pairs) {
  chains_.clear();
  order_.clear();
  std::fill(sourceSeen_.begin(), sourceSeen_.end(), 0);
  if (pairs.count < 0 || pairs.count > maxPairs_) broken(std::to_string(pairs.count) + " pairs, with room for " + std::to_string(maxPairs_));
  for (int first = 0; first < pairs.count; ++first) {
    if (pairs.previous[first] != -1) continue;
    const int source = pairs.source[first], begin = static_cast<int>(order_.size());
    if (source < 0 || source >= static_cast<int>(sourceSeen_.size())) broken("ring slot " + std::to_string(source) + " as the source of pair " + std::to_string(first));
    if (sourceSeen_[source]) broken("a second chain of ring slot " + std::to_string(source) + " at pair " + std::to_string(first));
    sourceSeen_[source] = 1;
    int before = -1;
    for (int pair = first; pair != -1; before = pair, pair = pairs.next[pair]) {
      const bool follows = pair >= 0 && pair < pairs.count && pairs.source[pair] == source && pairs.previous[pair] == before;
      if (!follows || static_cast<int>(order_.size()) == pairs.count) broken("pair " + std::to_string(pair) + " after pair " + std::to_string(before));
      order_.push_back(pair);
    }
    chains_.push_back({source, begin, static_cast<int>(order_.size()) - begin});
  }
  if (static_cast<int>(order_.size()) != pairs.count) broken(std::to_string(order_.size()) + " of " + std::to_string(pairs.count) + " pairs in chains");
  std::sort(chains_.begin(), chains_.end(), [](const Chain& a, const Chain& b) { return a.length != b.length ? a.length > b.length : a.first < b.first; });
}

}  // namespace qpvo::network
