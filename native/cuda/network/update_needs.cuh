// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include "rows_layout.cuh"
#include "rows_plan.hpp"
#include "update_tensors.hpp"

namespace qpvo::cuda::network {

/// Shared memory of the kernels of variant V.
template <class V>
class UpdateNeeds {
 public:
  explicit UpdateNeeds(const UpdateTensors& t)
      : byteRows_(t.corr5.int8() || t.previous.first.int8() || t.next.first.int8() || t.byPatch.f.int8()),
        byteShares_(t.byPair.f.int8()),
        byteState_(t.gated[0].gate.int8() || t.gated[1].gate.int8()),
        patchMeans_(innerBytes(t.byPatch.f.outputs, V::kColumns / 2, t.byPatch.h)),
        pairMeans_(innerBytes(t.byPair.f.outputs, V::kColumns / 2, t.byPair.h)),
        branches_(std::max({innerBytes(t.corr0.outputs, V::kColumns, t.corr2), innerBytes(t.previous.first.outputs, V::kColumns, t.previous.second),
                            innerBytes(t.next.first.outputs, V::kColumns, t.next.second)})),
        residuals_(std::max(innerBytes(t.gated[0].res.first.outputs, V::kColumns, t.gated[0].res.second),
                            innerBytes(t.gated[1].res.first.outputs, V::kColumns, t.gated[1].res.second))) {}

  /// Of the same layers in other tiles.
  template <class>
  friend class UpdateNeeds;
  template <class Other>
  explicit UpdateNeeds(const UpdateNeeds<Other>& o)
      : byteRows_(o.byteRows_),
        byteShares_(o.byteShares_),
        byteState_(o.byteState_),
        patchMeans_(o.patchMeans_),
        pairMeans_(o.pairMeans_),
        branches_(o.branches_),
        residuals_(o.residuals_) {}

  SharedNeed patches() const {
    static_assert(V::kColumns / 2 * sizeof(State) >= 2 * V::kWarps * sizeof(float), "sums over columns fit where the means do");
    const int meansOfPatches = V::kRows / 2 * V::kColumns * static_cast<int>(sizeof(State));
    return need(kStateBytes, byteRows_, std::max({V::kRows * patchMeans_, V::kRows * branches_, meansOfPatches}));
  }
  SharedNeed shares() const { return need(byteShares_ ? 0 : kStateBytes, byteShares_, 0); }
  SharedNeed means() const { return need(0, false, V::kRows * pairMeans_); }
  SharedNeed state() const { return need(kStateBytes, byteState_, std::max(V::kRows * residuals_, V::kWarps * V::kRows * 4 * static_cast<int>(sizeof(float)))); }

  bool fits(std::size_t sharedPerBlock) const {
    return std::max(static_cast<std::size_t>(planShared(patches()).bytes), static_cast<std::size_t>(planShared(state()).bytes)) <= sharedPerBlock;
  }

 private:
  using State = typename V::State;
  static constexpr int kStateBytes = V::kRows * V::kColumns * static_cast<int>(sizeof(State));

  /// Of one row of what a layer of so many outputs, in passes of `columns`, gives to `reader`.
  static int innerBytes(int outputs, int columns, const LinearTensors& reader) {
    const int width = (outputs + columns - 1) / columns * columns;
    return reader.int8() ? width : width * static_cast<int>(sizeof(typename V::Native));
  }

  static SharedNeed need(int stateBytes, bool bytes, int innerBytes) {
    const bool streams = V::kPrecision != Precision::fp32;
    return {.stateBytes = stateBytes,
            .inputBytes = bytes ? V::kRows * V::kColumns : 0,
            .innerBytes = innerBytes,
            .stageBytes = streams ? V::kWeightPanelBytes : 0,
            .stageCount = 2,
            .rows = V::kRows};
  }

  bool byteRows_, byteShares_, byteState_;
  int patchMeans_, pairMeans_, branches_, residuals_;  ///< bytes of a row
};

/// Multiply-adds of the layers.
struct UpdateProducts {
  double ofEdge = 0, ofPatch = 0, ofPair = 0;

  UpdateProducts(const UpdateTensors& t, int correlationLength) {
    const auto add = [](double& sum, const LinearTensors& layer) { sum += static_cast<double>(layer.inputs) * layer.outputs; };
    ofEdge += static_cast<double>(t.corr0.outputs) * correlationLength;
    for (const LinearTensors* layer : {&t.corr2, &t.corr5, &t.byPatch.f, &t.byPatch.g, &t.byPair.f, &t.byPair.g}) add(ofEdge, *layer);
    for (const UpdateTensors::Branch* branch : {&t.previous, &t.next, &t.gated[0].res, &t.gated[1].res}) {
      add(ofEdge, branch->first);
      add(ofEdge, branch->second);
    }
    for (const UpdateTensors::Gated& block : t.gated) add(ofEdge, block.gate);
    ofEdge += 4.0 * t.corr5.outputs;
    add(ofPatch, t.byPatch.h);
    add(ofPair, t.byPair.h);
  }
};

}  // namespace qpvo::cuda::network
