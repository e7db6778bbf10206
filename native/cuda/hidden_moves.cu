// SPDX-License-Identifier: MIT
#include "hidden_moves.hpp"

#include "runtime/launch.hpp"

namespace qpvo::cuda {

namespace {

constexpr int kThreads = 256;

/// Blocks: [pieces of a pair][moves].
template <class T>
__global__ void moveKernel(T* hidden, const HiddenMove* moves, int perPair) {
  const int i = static_cast<int>(blockIdx.x) * kThreads + static_cast<int>(threadIdx.x);
  if (i >= perPair) return;
  const HiddenMove move = moves[blockIdx.y];
  hidden[static_cast<std::size_t>(move.to) * perPair + i] = hidden[static_cast<std::size_t>(move.from) * perPair + i];
}

template <class T>
void enqueue(std::byte* hidden, const HiddenMove* moves, std::size_t count, std::size_t bytesPerPair, cudaStream_t stream) {
  const std::size_t perPair = bytesPerPair / sizeof(T);
  const Shape shape{.blocksX = blocksFor(perPair, kThreads), .blocksY = static_cast<unsigned>(count), .threads = kThreads};
  launch("moveHidden", moveKernel<T>, shape, stream, reinterpret_cast<T*>(hidden), moves, static_cast<int>(perPair));
}

}  // namespace

HiddenMoves::HiddenMoves(int maxPairs, std::size_t bytesPerPair) : bytesPerPair_(bytesPerPair), moveOf_(maxPairs, -1), readersOf_(maxPairs, 0), onDevice_(maxPairs) {
  moves_.reserve(maxPairs);
}

bool HiddenMoves::add(int from, int to) {
  if (readersOf_[to] > 0) return false;
  const int origin = moveOf_[from] < 0 ? from : moves_[moveOf_[from]].from;
  if (origin == to) return true;
  if (moveOf_[to] < 0) {
    moveOf_[to] = static_cast<std::int32_t>(moves_.size());
    moves_.push_back({origin, to});
  } else {
    HiddenMove& move = moves_[moveOf_[to]];
    --readersOf_[move.from];
    move.from = origin;
  }
  ++readersOf_[origin];
  return true;
}

void HiddenMoves::apply(std::byte* hidden, Staging& staging, cudaStream_t stream) {
  if (moves_.empty()) return;
  staging.upload(onDevice_.data(), moves_.data(), moves_.size(), stream);
  const HiddenMove* moves = onDevice_.data();
  if (bytesPerPair_ % sizeof(uint4) == 0) {
    enqueue<uint4>(hidden, moves, moves_.size(), bytesPerPair_, stream);
  } else {
    enqueue<unsigned short>(hidden, moves, moves_.size(), bytesPerPair_, stream);
  }
  for (const HiddenMove& move : moves_) {
    moveOf_[move.to] = -1;
    readersOf_[move.from] = 0;
  }
  moves_.clear();
}

}  // namespace qpvo::cuda
