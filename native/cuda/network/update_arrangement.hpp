// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "cpu/network/source_chains.hpp"
#include "staging.hpp"
#include "update_tables.hpp"

namespace qpvo::cuda::network {

/// The pairs of an update as tiles of patches with all their targets, in device memory that kernels of a replayed graph read.
class UpdateArrangement {
 public:
  /// tileRows: most rows of a tile.
  UpdateArrangement(int patches, int ringSlots, int maxPairs, int tileRows);

  /// @throws QPVO_INTERNAL unless the pairs are one chain per source that covers every pair once; QPVO_PARAMETER for a patch with more targets than a tile has rows
  void arrange(const qpvo::network::PairTable& pairs, cudaStream_t stream);

  void waited() { staging_.release(); }

  UpdateTables tables() const;
  int maxTiles() const { return maxTiles_; }
  int pairs() const { return table_.empty() ? 0 : table_[1]; }
  int chains() const { return static_cast<int>(chains_.chains().size()); }
  int tiles() const { return table_.empty() ? 0 : table_[0]; }

 private:
  int patchesOfTile(int targets) const;
  int tilesOf(int targets) const { return (patches_ + patchesOfTile(targets) - 1) / patchesOfTile(targets); }

  int patches_, maxPairs_, tileRows_, maxTiles_;
  qpvo::network::SourceChains chains_;
  std::vector<int> table_;  ///< counts, order, source, tiles
  DeviceBuffer<int> device_;
  Staging staging_;
};

}  // namespace qpvo::cuda::network
