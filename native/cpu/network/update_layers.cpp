// SPDX-License-Identifier: MIT
#include "update_layers.hpp"

#include <algorithm>

namespace qpvo::network {

namespace {

/// A branch applied to the zero vector.
AlignedBuffer<float> ofNothing(const UpdateKernels& kernels, const Branch& branch) {
  Tile zero(1, branch.first.inputs()), between(1, branch.first.outputs()), out(1, branch.second.outputs());
  std::fill_n(zero.quantized.data(), zero.quantized.size(), static_cast<unsigned char>(branch.first.quantizer().zero));
  kernels.enter();
  branch.first.run(1, zero, Finish::relu, branch.second.sink(between));
  branch.second.run(1, between, Finish::linear, out.plain());
  kernels.leave();
  return std::move(out.values);
}

}  // namespace

Branch::Branch(const UpdateKernels& kernels, const UpdateTensors::Branch& t) : first(kernels, t.first), second(kernels, t.second) {}

Aggregation::Aggregation(const UpdateKernels& kernels, const UpdateTensors::Aggregation& t) : f(kernels, t.f), g(kernels, t.g), h(kernels, t.h) {}

Norm::Norm(const UpdateTensors::Norm& t, int width) : gamma(roundUp(width, kPanel)), beta(roundUp(width, kPanel)) {
  std::copy_n(t.gamma, width, gamma.data());
  std::copy_n(t.beta, width, beta.data());
}

GatedResidual::GatedResidual(const UpdateKernels& kernels, const UpdateTensors::Gated& t) : gate(kernels, t.gate), res(kernels, t.res) {}

UpdateLayers::UpdateLayers(const UpdateKernels& k, const UpdateTensors& t, int D)
    : kernels(k),
      hiddenDim(D),
      corr0(k, t.corr0),
      corr2(k, t.corr2),
      corr5(k, t.corr5),
      corr3(t.corr3, D),
      norm(t.norm, D),
      previous(k, t.previous),
      next(k, t.next),
      byPatch(k, t.byPatch),
      byPair(k, t.byPair),
      gru0(t.gated[0].norm, D),
      gru2(t.gated[1].norm, D),
      gru1(k, t.gated[0]),
      gru3(k, t.gated[1]),
      heads(static_cast<std::size_t>(4) * roundUp(D, kPanel)),
      previousOfNothing(ofNothing(k, previous)),
      nextOfNothing(ofNothing(k, next)) {
  for (int head = 0; head < 2; ++head) {
    for (int o = 0; o < 2; ++o) {
      std::copy_n(t.headWeights[head] + o * D, D, heads.data() + static_cast<std::size_t>(2 * head + o) * roundUp(D, kPanel));
      headsBias[2 * head + o] = t.headBiases[head][o];
    }
  }
}

}  // namespace qpvo::network
