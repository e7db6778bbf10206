// SPDX-License-Identifier: MIT
#include "update_chain.hpp"

#include <cstring>

namespace qpvo::network {

UpdateChain::UpdateChain(const UpdateLayers& l, int M)
    : layers_(l),
      patches_(M),
      edgeFloats_(static_cast<std::size_t>(M) * l.hiddenDim),
      dense_(l.hiddenDim % kPanel == 0),
      correlation_(Tile::quantizedOnly(M, l.corr0.inputs())),
      corr0_(M, l.corr0.outputs()),
      corr2_(M, l.hiddenDim),
      corr3_(M, l.hiddenDim),
      sum_(M, l.hiddenDim),
      fresh_(M, l.hiddenDim),
      withPrevious_(M, l.hiddenDim),
      withNext_(M, l.hiddenDim),
      neighbourBetween_{{M, l.previous.first.outputs()}, {M, l.next.first.outputs()}},
      patchValues_(M, l.byPatch.f.outputs()),
      patchLogits_(M, l.byPatch.f.outputs()),
      patchMaximum_(M, l.byPatch.f.outputs()),
      patchSum_(M, l.byPatch.f.outputs()),
      patchTotal_(M, l.byPatch.f.outputs()),
      patchMean_(M, l.byPatch.f.outputs()),
      patchOut_(M, l.hiddenDim),
      withPatches_(M, l.hiddenDim),
      pairValues_(M, l.byPair.f.outputs()),
      pairLogits_(M, l.byPair.f.outputs()),
      pairMean_(1, l.byPair.f.outputs()),
      pairOut_(1, l.hiddenDim),
      state_(M, l.hiddenDim),
      gateIn_(M, l.hiddenDim),
      gate_(M, l.hiddenDim),
      resBetween_{{M, l.gru1.res.first.outputs()}, {M, l.gru3.res.first.outputs()}} {}

void UpdateChain::run(const int* pairs, int length, int source, const UpdateArrays& arrays) {
  const UpdateKernels& k = layers_.kernels;
  k.enter();
  const TargetSoftmax softmax{patches_, static_cast<int>(patchSum_.stride), patchSum_.stride, patchMaximum_.values.data(), patchSum_.values.data(), patchTotal_.values.data()};
  k.softmaxBegin(softmax);
  // Three passes over the targets, each with no more weights than stay in the second-level cache.
  for (int target = 0; target < length; ++target) correlationLayers(pairs[target], source, arrays);
  const auto gather = [&](int target) {
    addNextNeighbour(target, target + 1 == length, pairs[target], arrays);
    gatherTarget(pairs[target], arrays);
    k.softmaxTarget(softmax, patchLogits_.values.data(), patchValues_.values.data());
  };
  for (int target = 0; target < length; ++target) {
    addPreviousNeighbour(target, pairs[target], arrays);
    if (target > 0) gather(target - 1);
  }
  gather(length - 1);
  k.softmaxEnd(softmax, layers_.byPatch.h.sink(patchMean_));
  layers_.byPatch.h.run(patches_, patchMean_, Finish::linear, patchOut_.plain());
  for (int target = 0; target < length; ++target) {
    aggregateByPair(pairs[target], arrays);
    gatedResidual(layers_.gru1, layers_.gru0, withPatches_, state_, pairOut_.values.data());
    gatedResidual(layers_.gru3, layers_.gru2, state_, state_, nullptr);
    finishPair(pairs[target], arrays);
  }
  k.leave();
}

float* UpdateChain::keptRows(Tile& tile, int pair, const UpdateArrays& arrays) const {
  return dense_ ? arrays.hiddenOut + pair * edgeFloats_ : tile.values.data();
}

void UpdateChain::keep(const Tile& tile, int pair, const UpdateArrays& arrays) const {
  if (dense_) return;
  const std::size_t D = layers_.hiddenDim;
  float* kept = arrays.hiddenOut + pair * edgeFloats_;
  for (int m = 0; m < patches_; ++m) std::memcpy(kept + m * D, tile.values.data() + m * tile.stride, D * sizeof(float));
}

void UpdateChain::fetch(Tile& tile, int pair, const UpdateArrays& arrays) const {
  if (dense_) return;
  const std::size_t D = layers_.hiddenDim;
  const float* kept = arrays.hiddenOut + pair * edgeFloats_;
  for (int m = 0; m < patches_; ++m) std::memcpy(tile.values.data() + m * tile.stride, kept + m * D, D * sizeof(float));
}

/// corr(correlation) + hidden + context, normalised.
void UpdateChain::correlationLayers(int pair, int source, const UpdateArrays& arrays) {
  const UpdateKernels& k = layers_.kernels;
  const int F = layers_.corr0.inputs(), D = layers_.hiddenDim;
  const std::size_t edge = static_cast<std::size_t>(pair) * patches_;
  const Sink first = layers_.corr2.sink(corr0_);
  if (arrays.correlationBytes != nullptr) {
    layers_.corr0.runBytes(patches_, arrays.correlationBytes + edge * roundUp(F, kDepth), Finish::relu, first);
  } else {
    const float* correlation = arrays.correlation + edge * F;
    if (layers_.corr0.int8()) k.quantize(patches_, F, correlation, F, layers_.corr0.sink(correlation_));
    layers_.corr0.run(patches_, correlation_, Finish::relu, first, nullptr, nullptr, correlation);
  }
  layers_.corr2.run(patches_, corr0_, Finish::linear, corr2_.plain());

  LayerNorm inner{patches_, D, corr2_.values.data(), corr2_.stride, {}, {}, layers_.corr3.gamma.data(), layers_.corr3.beta.data(), true, layers_.corr5.sink(corr3_, true)};
  k.layerNorm(inner);
  layers_.corr5.run(patches_, corr3_, Finish::linear, sum_.plain());

  LayerNorm outer{patches_, D, sum_.values.data(), sum_.stride, {}, {}, layers_.norm.gamma.data(), layers_.norm.beta.data(), false, sum_.plain()};
  outer.out.values = keptRows(sum_, pair, arrays);
  outer.addend[0] = arrays.hiddenIn + pair * edgeFloats_;
  outer.addend[1] = arrays.contextRing + source * edgeFloats_;
  outer.addendStride[0] = outer.addendStride[1] = D;
  k.layerNorm(outer);
  keep(sum_, pair, arrays);
}

void UpdateChain::addPreviousNeighbour(int target, int pair, const UpdateArrays& arrays) {
  Tile& x = fresh_.of(target);
  fetch(x, pair, arrays);
  layers_.kernels.add({patches_, static_cast<int>(x.stride), keptRows(x, pair, arrays), x.stride, nullptr, 0, layers_.previous.first.sink(x, true)});
  const Sink out = layers_.next.first.sink(withPrevious_.of(target), true);
  if (target > 0) return branch(layers_.previous, fresh_.of(target - 1), neighbourBetween_[0], Finish::add, out, x);
  layers_.kernels.add({patches_, static_cast<int>(x.stride), x.values.data(), x.stride, layers_.previousOfNothing.data(), 0, out});
}

void UpdateChain::addNextNeighbour(int target, bool last, int pair, const UpdateArrays& arrays) {
  const Tile& x = withPrevious_.of(target);
  Sink out = layers_.byPatch.f.sink(withNext_, true);
  out.values = keptRows(withNext_, pair, arrays);
  if (!last) return branch(layers_.next, withPrevious_.of(target + 1), neighbourBetween_[1], Finish::add, out, x);
  layers_.kernels.add({patches_, static_cast<int>(x.stride), x.values.data(), x.stride, layers_.nextOfNothing.data(), 0, out});
}

/// What the edges of a pair give to the means of their patches.
void UpdateChain::gatherTarget(int pair, const UpdateArrays& arrays) {
  keep(withNext_, pair, arrays);
  const float* rows = dense_ ? keptRows(withNext_, pair, arrays) : nullptr;
  layers_.byPatch.f.run(patches_, withNext_, Finish::linear, patchValues_.plain(), nullptr, nullptr, rows);
  layers_.byPatch.g.run(patches_, withNext_, Finish::linear, patchLogits_.plain(), nullptr, nullptr, rows);
}

/// The edges of a pair with the means of their patches, and the mean of the pair.
void UpdateChain::aggregateByPair(int pair, const UpdateArrays& arrays) {
  const UpdateKernels& k = layers_.kernels;
  const Aggregation& mean = layers_.byPair;
  fetch(withNext_, pair, arrays);
  const int width = static_cast<int>(withNext_.stride);
  k.add({patches_, width, keptRows(withNext_, pair, arrays), withNext_.stride, patchOut_.values.data(), patchOut_.stride, mean.f.sink(withPatches_, true)});
  mean.f.run(patches_, withPatches_, Finish::linear, pairValues_.plain());
  mean.g.run(patches_, withPatches_, Finish::linear, pairLogits_.plain());
  k.softmaxRows(patches_, static_cast<int>(pairLogits_.stride), pairLogits_.stride, pairLogits_.values.data(), pairValues_.values.data(), mean.h.sink(pairMean_));
  mean.h.run(1, pairMean_, Finish::linear, pairOut_.plain());
}

/// Of the normalised input; addend: one row added to all rows before, or null.
void UpdateChain::gatedResidual(const GatedResidual& block, const Norm& norm, Tile& in, Tile& out, const float* addend) {
  const Sink normed = block.gate.sink(gateIn_, true);
  const LayerNorm before{patches_, layers_.hiddenDim, in.values.data(), in.stride, {addend, nullptr}, {0, 0}, norm.gamma.data(), norm.beta.data(), false, normed};
  layers_.kernels.layerNorm(before);
  block.gate.run(patches_, gateIn_, Finish::sigmoid, gate_.plain());
  branch(block.res, gateIn_, &block == &layers_.gru1 ? resBetween_[0] : resBetween_[1], Finish::gated, out.plain(), gateIn_, &gate_);
}

void UpdateChain::finishPair(int pair, const UpdateArrays& arrays) {
  const std::size_t edge = static_cast<std::size_t>(pair) * patches_;
  float *hidden = arrays.hiddenOut + pair * edgeFloats_, *delta = arrays.delta + 2 * edge, *weight = arrays.weight + 2 * edge;
  Heads heads{patches_, layers_.hiddenDim, state_.values.data(), state_.stride, layers_.heads.data(), {}, hidden, delta, weight};
  std::memcpy(heads.bias, layers_.headsBias, sizeof heads.bias);
  layers_.kernels.heads(heads);
}

void UpdateChain::branch(const Branch& layers, const Tile& in, Tile& between, Finish finish, const Sink& out, const Tile& residual, const Tile* gate) {
  layers.first.run(patches_, in, Finish::relu, layers.second.sink(between));
  layers.second.run(patches_, between, finish, out, &residual, gate);
}

}  // namespace qpvo::network
