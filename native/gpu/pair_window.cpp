// SPDX-License-Identifier: MIT
#include "pair_window.hpp"

#include <algorithm>

namespace qpvo::gpu {

int PairWindow::accept(int slot, int reach) {
  const int first = count();
  frames.push_back(slot);
  const int n = static_cast<int>(frames.size());
  for (int f = std::max(n - reach, 0); f < n - 1; ++f) append(frames[f], slot);
  for (int f = std::max(n - reach, 0); f < n; ++f) append(slot, frames[f]);
  return first;
}

void PairWindow::remove(int slot, const Move& move) {
  std::erase(frames, slot);
  removePairs([&](int p) { return source[p] == slot || target[p] == slot; }, move);
}

void PairWindow::retire(int window, const Move& move) {
  const auto old = frames.begin() + std::max(static_cast<int>(frames.size()) - window, 0);
  removePairs([&](int p) { return std::find(frames.begin(), old, source[p]) != old; }, move);
}

void PairWindow::evict(int kept) {
  const auto isUsed = [&](int slot) { return std::find(source.begin(), source.end(), slot) != source.end() || std::find(target.begin(), target.end(), slot) != target.end(); };
  while (static_cast<int>(frames.size()) > kept && !isUsed(frames.front())) frames.erase(frames.begin());
}

void PairWindow::link() {
  const std::size_t slots = frames.empty() ? 0 : 1 + static_cast<std::size_t>(*std::max_element(frames.begin(), frames.end()));
  pairAt_.assign(slots * slots, -1);
  for (int p = 0; p < count(); ++p) pairAt_[source[p] * slots + target[p]] = p;
  previous.assign(count(), -1);
  next.assign(count(), -1);
  for (const int from : frames) {
    int last = -1;
    for (const int to : frames) {
      const int p = pairAt_[from * slots + to];
      if (p < 0) continue;
      previous[p] = last;
      if (last >= 0) next[last] = p;
      last = p;
    }
  }
}

void PairWindow::append(int from, int to) {
  source.push_back(from);
  target.push_back(to);
}

void PairWindow::removePairs(const std::function<bool(int pair)>& chosen, const Move& move) {
  for (int p = count() - 1; p >= 0; --p) {
    if (!chosen(p)) continue;
    const int last = count() - 1;
    if (last != p) move(last, p);
    source[p] = source[last];
    target[p] = target[last];
    source.pop_back();
    target.pop_back();
  }
}

}  // namespace qpvo::gpu
