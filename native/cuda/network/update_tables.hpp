// SPDX-License-Identifier: MIT
#pragma once

namespace qpvo::cuda::network {

/// How much there is to do, read by the kernels: their grids are for the most there can be.
struct UpdateCounts {
  int tiles, pairs;
};

/// Patches of one source frame in all their targets: row q * targets + t of the tile is patch firstPatch + q in the t-th target. So all edges that an edge exchanges
/// something with, but for those of its pair, are in its tile.
struct PatchTile {
  int first;    ///< of the chain, in the order of pairs
  int targets;
  int firstPatch, patches;
};

/// Device memory.
struct UpdateTables {
  const UpdateCounts* counts;
  const PatchTile* tiles;
  const int* order;   ///< [P] pairs, chain by chain, in ascending order of their targets
  const int* source;  ///< [P] ring slot of the source frame of a pair
};

}  // namespace qpvo::cuda::network
