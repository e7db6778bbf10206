// SPDX-License-Identifier: MIT
#pragma once

#include "update_layers.hpp"

namespace qpvo::network {

/// The tiles of one thread, and the update operator on the pairs of one source frame with them. Everything an edge exchanges stays within its source frame:
/// docs/decisions/0001-pair-form-of-the-update-operator.md.
class UpdateChain {
 public:
  UpdateChain(const UpdateLayers& layers, int patches);

  /// pairs: [length] in ascending order of their targets; source: ring slot.
  void run(const int* pairs, int length, int source, const UpdateArrays& arrays);

 private:
  /// Two stages of one kind: of this target and of the one before.
  struct Turns {
    Turns(int patches, int width) : tiles{{patches, width}, {patches, width}} {}
    Tile& of(int target) { return tiles[target % 2]; }
    Tile tiles[2];
  };

  /// Where the edges of a pair wait for the next pass: hiddenOut has room for them, in rows as wide as the model. Tiles of that width need no copy.
  float* keptRows(Tile& tile, int pair, const UpdateArrays& arrays) const;
  void keep(const Tile& tile, int pair, const UpdateArrays& arrays) const;
  void fetch(Tile& tile, int pair, const UpdateArrays& arrays) const;
  void correlationLayers(int pair, int source, const UpdateArrays& arrays);
  void addPreviousNeighbour(int target, int pair, const UpdateArrays& arrays);
  void addNextNeighbour(int target, bool last, int pair, const UpdateArrays& arrays);
  void gatherTarget(int pair, const UpdateArrays& arrays);
  void aggregateByPair(int pair, const UpdateArrays& arrays);
  void gatedResidual(const GatedResidual& block, const Norm& norm, Tile& in, Tile& out, const float* addend);
  void finishPair(int pair, const UpdateArrays& arrays);
  void branch(const Branch& layers, const Tile& in, Tile& between, Finish finish, const Sink& out, const Tile& residual, const Tile* gate = nullptr);

  const UpdateLayers& layers_;
  int patches_;
  std::size_t edgeFloats_;  ///< of the hidden state of one pair
  bool dense_;              ///< tiles of the hidden width are dense
  Tile correlation_, corr0_, corr2_, corr3_, sum_;
  Turns fresh_, withPrevious_;  ///< x, and x + c1 of the previous x
  Tile withNext_, neighbourBetween_[2];
  Tile patchValues_, patchLogits_, patchMaximum_, patchSum_, patchTotal_, patchMean_, patchOut_;
  Tile withPatches_, pairValues_, pairLogits_, pairMean_, pairOut_;
  Tile state_, gateIn_, gate_, resBetween_[2];
};

}  // namespace qpvo::network
