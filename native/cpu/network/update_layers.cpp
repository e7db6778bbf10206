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

Branch::Branch(const UpdateKernels& kernels, const Tensors& tensors, const std::string& firstName, const std::string& secondName, int width)
    : first(kernels, tensors, firstName, width, 0, Range::bothSides), second(kernels, tensors, secondName, first.outputs(), width, Range::fromZero) {}

Aggregation::Aggregation(const UpdateKernels& kernels, const Tensors& tensors, const std::string& name, int width)
    : f(kernels, tensors, name + ".f", width, 0, Range::bothSides),
      g(kernels, tensors, name + ".g", width, f.outputs(), Range::bothSides),
      h(kernels, tensors, name + ".h", f.outputs(), width, Range::bothSides) {
  requireSameInput(f, g);
}

GatedResidual::GatedResidual(const UpdateKernels& kernels, const Tensors& tensors, const std::string& name, int width)
    : gate(kernels, tensors, name + ".gate.0", width, width, Range::bothSides), res(kernels, tensors, name + ".res.0", name + ".res.2", width) {
  requireSameInput(gate, res.first);
}

Norm::Norm(const Tensors& tensors, const std::string& name, int width) : gamma(roundUp(width, kPanel)), beta(roundUp(width, kPanel)) {
  const std::vector<std::size_t> shape{static_cast<std::size_t>(width)};
  std::copy_n(floatsOf(tensors, name + ".weight", shape), width, gamma.data());
  std::copy_n(floatsOf(tensors, name + ".bias", shape), width, beta.data());
}

UpdateLayers::UpdateLayers(const UpdateKernels& k, const Tensors& tensors, int D, int F)
    : kernels(k),
      hiddenDim(D),
      corr0(k, tensors, "update.corr.0", F, 0, Range::bothSides),
      corr2(k, tensors, "update.corr.2", corr0.outputs(), D, Range::fromZero),
      corr5(k, tensors, "update.corr.5", D, D, Range::fromZero),
      corr3(tensors, "update.corr.3", D),
      norm(tensors, "update.norm", D),
      previous(k, tensors, "update.c1.0", "update.c1.2", D),
      next(k, tensors, "update.c2.0", "update.c2.2", D),
      byPatch(k, tensors, "update.agg_kk", D),
      byPair(k, tensors, "update.agg_ij", D),
      gru0(tensors, "update.gru.0", D),
      gru2(tensors, "update.gru.2", D),
      gru1(k, tensors, "update.gru.1", D),
      gru3(k, tensors, "update.gru.3", D),
      heads(static_cast<std::size_t>(4) * roundUp(D, kPanel)),
      previousOfNothing(ofNothing(k, previous)),
      nextOfNothing(ofNothing(k, next)) {
  const std::size_t width = static_cast<std::size_t>(D);
  const char* names[] = {"update.d.1", "update.w.1"};
  for (int head = 0; head < 2; ++head) {
    const float* weight = floatsOf(tensors, std::string(names[head]) + ".weight", {2, width});
    const float* bias = floatsOf(tensors, std::string(names[head]) + ".bias", {2});
    for (int o = 0; o < 2; ++o) {
      std::copy_n(weight + o * width, width, heads.data() + static_cast<std::size_t>(2 * head + o) * roundUp(D, kPanel));
      headsBias[2 * head + o] = bias[o];
    }
  }
}

}  // namespace qpvo::network
