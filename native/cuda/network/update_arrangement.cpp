// SPDX-License-Identifier: MIT
#include "network/update_arrangement.hpp"

#include <algorithm>
#include <string>

#include "qpvo/error.hpp"

namespace qpvo::cuda::network {

namespace {

constexpr int kCountInts = 4, kTileInts = 4;
/// Arrangements that fit the staging memory; when it is full, it waits for the stream.
constexpr int kStaged = 8;

}  // namespace

UpdateArrangement::UpdateArrangement(int patches, int ringSlots, int maxPairs, int tileRows)
    : patches_(patches), maxPairs_(maxPairs), tileRows_(tileRows), maxTiles_(0), chains_(maxPairs, ringSlots), staging_(0) {
  // A pair takes most tiles in a chain of the length at which tiles per target are most.
  for (int targets = 1; targets <= std::min(tileRows, maxPairs); ++targets) maxTiles_ = std::max(maxTiles_, (tilesOf(targets) * maxPairs + targets - 1) / targets);
  const std::size_t ints = kCountInts + 2 * static_cast<std::size_t>(maxPairs) + static_cast<std::size_t>(kTileInts) * maxTiles_;
  table_.reserve(ints);
  device_ = DeviceBuffer<int>(ints);
  staging_ = Staging(kStaged * (ints * sizeof(int) + 16));
}

/// No more than half as many patches as rows: their means wait where rows lie two by two.
int UpdateArrangement::patchesOfTile(int targets) const { return std::min(tileRows_ / targets, tileRows_ / 2); }

void UpdateArrangement::arrange(const qpvo::network::PairTable& pairs, cudaStream_t stream) {
  chains_.arrange(pairs);
  table_.assign(kCountInts + 2 * static_cast<std::size_t>(maxPairs_), 0);
  std::copy(chains_.order().begin(), chains_.order().end(), table_.begin() + kCountInts);
  std::copy_n(pairs.source, pairs.count, table_.begin() + kCountInts + maxPairs_);
  int tiles = 0;
  for (const auto& chain : chains_.chains()) {
    if (chain.length > tileRows_)
      throw Error("QPVO_PARAMETER", "targets of a patch: expected at most " + std::to_string(tileRows_) + " on this GPU in this precision, but received " +
                                        std::to_string(chain.length) + ". Lower patchLifetime, or use fp16.");
    const int step = patchesOfTile(chain.length);
    for (int patch = 0; patch < patches_; patch += step, ++tiles) {
      const int tile[kTileInts] = {chain.first, chain.length, patch, std::min(step, patches_ - patch)};
      table_.insert(table_.end(), tile, tile + kTileInts);
    }
  }
  table_[0] = tiles;
  table_[1] = pairs.count;
  staging_.upload(device_.data(), table_.data(), table_.size(), stream);
}

UpdateTables UpdateArrangement::tables() const {
  const int* first = device_.data();
  const int* order = first + kCountInts;
  return {reinterpret_cast<const UpdateCounts*>(first), reinterpret_cast<const PatchTile*>(order + 2 * maxPairs_), order, order + maxPairs_};
}

}  // namespace qpvo::cuda::network
