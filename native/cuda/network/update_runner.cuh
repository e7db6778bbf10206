// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include "runtime/launch.hpp"
#include "update_needs.cuh"
#include "update_packing.cuh"
#include "update_pairs.cuh"
#include "update_patches.cuh"
#include "update_runner.hpp"
#include "update_state.cuh"

namespace qpvo::cuda::network {

/// The four kernels of variant V, one behind the other:
///   updatePatches     correlation layers, neighbours, mean over the targets   tiles of patches with all their targets
///   updatePairShares  softmax over the patches of a pair, by parts            tiles of edges
///   updatePairMeans   mean of each pair, and its layer                        tiles of pairs
///   updateState       gated residuals, heads                                  tiles of edges
template <class V>
class UpdateRunnerOf : public UpdateRunner {
  using State = typename V::State;
  using Native = typename V::Native;
  /// Pairs are few: small tiles make more blocks.
  using Pairs = Variant<kMatrixRows, V::kWarps, V::kColumnTiles, V::kPrecision, State>;
  static constexpr bool kOwnRows = !std::is_same_v<State, Native>;

 public:
  UpdateRunnerOf(const UpdateShape& shape, const UpdateTensors& tensors, std::size_t sharedPerBlock, cudaStream_t stream)
      : shape_(shape), needs_(tensors), products_(tensors, shape.correlationLength) {
    const PatchPlaces patches = packPatches(tensors);
    const Place shares = packing_.addBeside(tensors.byPair.f, tensors.byPair.g), mean = packing_.add(tensors.byPair.h);
    const StatePlaces state = packState(tensors);
    packing_.upload(stream);
    takePatches(patches, sharedPerBlock);
    takePairs(shares, mean, sharedPerBlock);
    takeState(state, tensors, sharedPerBlock);
    if (kOwnRows) rows_ = DeviceBuffer<State>(static_cast<std::size_t>(shape.maxPairs) * shape.patches * shape.hiddenDim);
  }

  void run(const DeviceUpdateArrays& arrays, const UpdateTables& tables, int maxTiles, cudaStream_t stream) override {
    const unsigned edgeTiles = blocksFor(static_cast<std::size_t>(shape_.maxPairs) * shape_.patches, V::kRows);
    State* rows = kOwnRows ? rows_.data() : static_cast<State*>(arrays.hiddenOut);
    patches_.tables = shares_.tables = pairs_.tables = state_.tables = tables;
    patches_.hiddenIn = static_cast<const Native*>(arrays.hiddenIn);
    patches_.contextRing = arrays.contextRing;
    patches_.correlation = static_cast<const unsigned char*>(arrays.correlation);
    patches_.rows = rows;
    shares_.rows = state_.rows = rows;
    state_.hiddenOut = static_cast<Native*>(arrays.hiddenOut);
    state_.delta = arrays.delta;
    state_.weight = arrays.weight;
    start("update: correlation, neighbours, patches", updatePatches<V>, static_cast<unsigned>(maxTiles), patches_, stream);
    start("update: softmax of pairs", updatePairShares<V>, edgeTiles, shares_, stream);
    start("update: means of pairs", updatePairMeans<Pairs>, blocksFor(shape_.maxPairs, Pairs::kRows), pairs_, stream);
    start("update: state, heads", updateState<V>, edgeTiles, state_, stream);
  }

  /// What every variant reads without looking where the row ends.
  CorrelationRows correlationRows() const override {
    constexpr int kElements = 64;  // of the panel with the most of them
    const Layer& reader = patches_.correlation0;
    const int stride = (shape_.correlationLength + kElements - 1) / kElements * kElements;
    if (reader.input != Input::native) return {Precision::int8, stride, reader.inverseScale};
    return {V::kPrecision == Precision::fp32 ? Precision::fp32 : Precision::fp16, stride};
  }

  int tileRows() const override { return V::kRows; }

  UpdateWork work(const UpdateExtent& extent) const override {
    const double edges = static_cast<double>(extent.pairs) * extent.patches, sources = static_cast<double>(extent.chains) * extent.patches, D = shape_.hiddenDim;
    const double correlation = edges * patches_.correlationRowBytes, hidden = 2 * edges * D * sizeof(Native), rows = 3 * edges * D * sizeof(State);
    const double context = sources * D * sizeof(float), parts = (extent.patches - 1) / V::kRows + 1;
    const double partial = 2 * 3 * sizeof(float) * parts * shares_.partialWidth * extent.pairs;
    const double pairRows = 2 * sizeof(float) * D * extent.pairs, heads = 4 * sizeof(float) * edges;
    return {correlation + hidden + rows + context + partial + pairRows + heads + static_cast<double>(packing_.weightBytes()),
            edges * products_.ofEdge + sources * products_.ofPatch + extent.pairs * products_.ofPair};
  }

 private:
  using Packing = UpdatePacking<V>;
  using Place = typename Packing::Place;
  struct PatchPlaces {
    Place correlation0, correlation2, correlation5, previous0, previous2, next0, next2, shares, mean;
    std::size_t rows[4];
  };
  struct StatePlaces {
    Place gate[2], first[2], second[2];
    std::size_t rows[2][2], heads;
  };

  /// Layers in the order in which the kernel takes them, which the stream of weights relies on; so do the others below.
  PatchPlaces packPatches(const UpdateTensors& t) {
    const int D = shape_.hiddenDim;
    PatchPlaces p;
    p.correlation0 = packing_.add(t.corr0);
    p.correlation2 = packing_.add(t.corr2);
    p.correlation5 = packing_.add(t.corr5);
    p.previous0 = packing_.add(t.previous.first);
    p.previous2 = packing_.add(t.previous.second);
    p.next0 = packing_.add(t.next.first);
    p.next2 = packing_.add(t.next.second);
    p.shares = packing_.addBeside(t.byPatch.f, t.byPatch.g);
    p.mean = packing_.add(t.byPatch.h);
    const float* rows[] = {t.corr3.gamma, t.corr3.beta, t.norm.gamma, t.norm.beta};
    for (int n = 0; n < 4; ++n) p.rows[n] = packing_.addRow(rows[n], D);
    return p;
  }

  StatePlaces packState(const UpdateTensors& t) {
    const int D = shape_.hiddenDim;
    StatePlaces p;
    for (int n = 0; n < 2; ++n) {
      p.first[n] = packing_.add(t.gated[n].res.first);
      p.second[n] = packing_.add(t.gated[n].res.second);
      p.gate[n] = packing_.add(t.gated[n].gate);
    }
    for (int n = 0; n < 2; ++n) {
      p.rows[n][0] = packing_.addRow(t.gated[n].norm.gamma, D);
      p.rows[n][1] = packing_.addRow(t.gated[n].norm.beta, D);
    }
    for (int o = 0; o < 4; ++o) {
      const std::size_t row = packing_.addRow(t.headWeights[o / 2] + o % 2 * D, D);
      if (o == 0) p.heads = row;
    }
    return p;
  }

  template <class... Layers>
  static WeightList weightsOf(const Layer& first, const Layers&... others) {
    return {first.weights, ((first.panels * first.passes) + ... + (others.panels * others.passes))};
  }

  void takePatches(const PatchPlaces& from, std::size_t sharedPerBlock) {
    PatchArguments<V>& p = patches_;
    p.correlation0 = packing_.layer(from.correlation0);
    p.correlation2 = packing_.layer(from.correlation2);
    p.correlation5 = packing_.layer(from.correlation5);
    p.previous0 = packing_.layer(from.previous0);
    p.previous2 = packing_.layer(from.previous2);
    p.next0 = packing_.layer(from.next0);
    p.next2 = packing_.layer(from.next2);
    p.shares = packing_.layer(from.shares);
    p.mean = packing_.layer(from.mean);
    p.correlation3 = {packing_.floatsAt(from.rows[0]), packing_.floatsAt(from.rows[1])};
    p.norm = {packing_.floatsAt(from.rows[2]), packing_.floatsAt(from.rows[3])};
    p.weights = weightsOf(p.correlation0, p.correlation2, p.correlation5, p.previous0, p.previous2, p.next0, p.next2, p.shares, p.mean);
    p.plan = plannedWithin(needs_.patches(), sharedPerBlock, V::kBlocks);
    p.hiddenDim = shape_.hiddenDim;
    p.correlationRowBytes = static_cast<int>(correlationRows().bytes());
    p.patches = shape_.patches;
  }

  void takePairs(const Place& shares, const Place& mean, std::size_t sharedPerBlock) {
    shares_.shares = packing_.layer(shares);
    pairs_.mean = packing_.layer(mean);
    shares_.weights = weightsOf(shares_.shares);
    pairs_.weights = weightsOf(pairs_.mean);
    shares_.plan = plannedWithin(needs_.shares(), sharedPerBlock, V::kBlocks);
    pairs_.plan = plannedWithin(UpdateNeeds<Pairs>(needs_).means(), sharedPerBlock, V::kBlocks);
    shares_.partialWidth = pairs_.partialWidth = shares_.shares.passes * V::kColumns / 2;
    shares_.parts = pairs_.parts = (shape_.patches - 1) / V::kRows + 2;
    shares_.patches = pairs_.patches = shape_.patches;
    shares_.hiddenDim = pairs_.hiddenDim = shape_.hiddenDim;
    pairs_.tileRows = V::kRows;
    partial_ = DeviceBuffer<float>(static_cast<std::size_t>(shape_.maxPairs) * shares_.parts * 3 * shares_.partialWidth);
    pairRows_ = DeviceBuffer<float>(static_cast<std::size_t>(shape_.maxPairs) * shape_.hiddenDim);
    shares_.partial = partial_.data();
    pairs_.partial = partial_.data();
    pairs_.pairRows = pairRows_.data();
  }

  void takeState(const StatePlaces& from, const UpdateTensors& t, std::size_t sharedPerBlock) {
    StateArguments<V>& s = state_;
    for (int n = 0; n < 2; ++n) {
      s.blocks[n] = {{packing_.floatsAt(from.rows[n][0]), packing_.floatsAt(from.rows[n][1])},
                     packing_.layer(from.gate[n]),
                     packing_.layer(from.first[n]),
                     packing_.layer(from.second[n])};
    }
    for (int o = 0; o < 4; ++o) s.headsBias[o] = t.headBiases[o / 2][o % 2];
    const GatedLayers &a = s.blocks[0], &b = s.blocks[1];
    s.heads = packing_.floatsAt(from.heads);
    s.weights = weightsOf(a.first, a.second, a.gate, b.first, b.second, b.gate);
    s.plan = plannedWithin(needs_.state(), sharedPerBlock, V::kBlocks);
    s.pairRows = pairRows_.data();
    s.hiddenDim = shape_.hiddenDim;
    s.patches = shape_.patches;
  }

  template <class Arguments>
  void start(const char* name, void (*kernel)(Arguments), unsigned blocks, const Arguments& arguments, cudaStream_t stream) {
    launch(name, kernel, {.blocksX = blocks, .threads = V::kThreads, .sharedBytes = static_cast<std::size_t>(arguments.plan.bytes)}, stream, arguments);
  }

  UpdateShape shape_;
  UpdateNeeds<V> needs_;
  UpdateProducts products_;
  Packing packing_;
  DeviceBuffer<float> partial_, pairRows_;
  DeviceBuffer<State> rows_;
  PatchArguments<V> patches_{};
  ShareArguments<V> shares_{};
  PairArguments<Pairs> pairs_{};
  StateArguments<V> state_{};
};

/// The variant with the larger tiles, or the other where the GPU has too little shared memory for it.
template <class Large, class Small>
std::unique_ptr<UpdateRunner> makeUpdateWithin(const UpdateShape& shape, const UpdateTensors& tensors, std::size_t sharedPerBlock, cudaStream_t stream) {
  if (UpdateNeeds<Large>(tensors).fits(sharedPerBlock)) return std::make_unique<UpdateRunnerOf<Large>>(shape, tensors, sharedPerBlock, stream);
  return std::make_unique<UpdateRunnerOf<Small>>(shape, tensors, sharedPerBlock, stream);
}

}  // namespace qpvo::cuda::network
