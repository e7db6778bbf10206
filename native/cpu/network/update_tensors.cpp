// SPDX-License-Identifier: MIT
#include "update_tensors.hpp"

#include <cmath>

#include "qpvo/error.hpp"

namespace qpvo::network {

namespace {

std::string text(const std::vector<std::size_t>& shape) {
  std::string out = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) out += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return out + "]";
}

[[noreturn]] void refuse(const std::string& name, const std::string& expected, const std::string& received) {
  throw Error("QPVO_MODEL", "tensor " + name + ": expected " + expected + ", but received " + received + ".");
}

const Tensor& tensorOf(const Tensors& tensors, const std::string& name) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) refuse(name, "it among the tensors of the update operator", "none of that name");
  return found->second;
}

void requireScales(const std::string& name, const float* scales, int count) {
  for (int i = 0; i < count; ++i)
    if (!(scales[i] > 0) || !std::isfinite(scales[i])) refuse(name, "positive, finite scales", std::to_string(scales[i]) + " at " + std::to_string(i));
}

/// A tensor of fp32 with the given shape.
const float* floatsOf(const Tensors& tensors, const std::string& name, const std::vector<std::size_t>& shape) {
  const Tensor& tensor = tensorOf(tensors, name);
  if (tensor.values == nullptr) refuse(name, "fp32", "int8");
  if (tensor.shape != shape) refuse(name, "shape " + text(shape), text(tensor.shape));
  return tensor.values;
}

/// inputs, outputs: expected, 0 = as the weights have it.
LinearTensors linearOf(const Tensors& tensors, const std::string& name, int inputs, int outputs, Range range, bool takesInt8) {
  const Tensor& weight = tensorOf(tensors, name + ".weight");
  const bool fits = weight.shape.size() == 2 && (inputs == 0 || weight.shape[1] == static_cast<std::size_t>(inputs)) &&
                    (outputs == 0 || weight.shape[0] == static_cast<std::size_t>(outputs)) && weight.shape[0] > 0 && weight.shape[1] > 0;
  const auto wanted = [](int n) { return n == 0 ? std::string("any") : std::to_string(n); };
  if (!fits) refuse(name + ".weight", "shape [" + wanted(outputs) + ", " + wanted(inputs) + "]", text(weight.shape));
  if (weight.bytes != nullptr && !takesInt8) refuse(name + ".weight", "fp32 in this precision", "int8");
  LinearTensors linear{name, static_cast<int>(weight.shape[1]), static_cast<int>(weight.shape[0]), weight.values, weight.bytes, nullptr, nullptr, 0, range};
  linear.bias = floatsOf(tensors, name + ".bias", {weight.shape[0]});
  if (linear.int8()) {
    linear.weightScale = floatsOf(tensors, name + ".weight_scale", {weight.shape[0]});
    requireScales(name + ".weight_scale", linear.weightScale, linear.outputs);
    const float* inputScale = floatsOf(tensors, name + ".input_scale", {1});
    requireScales(name + ".input_scale", inputScale, 1);
    linear.inputScale = *inputScale;
  }
  return linear;
}

/// Layers that read the same rows quantize them alike.
void requireSameInput(const LinearTensors& a, const LinearTensors& b) {
  if (a.int8() != b.int8()) refuse(b.name + ".weight", "the type of " + a.name + ".weight, which has the same input", b.int8() ? "int8" : "fp32");
  if (a.int8() && a.inputScale != b.inputScale)
    refuse(b.name + ".input_scale", "that of " + a.name + ", which has the same input, " + std::to_string(a.inputScale), std::to_string(b.inputScale));
}

}  // namespace

UpdateTensors::UpdateTensors(const Tensors& tensors, int D, int F, bool takesInt8) {
  const auto linear = [&](const std::string& name, int inputs, int outputs, Range range) {
    return linearOf(tensors, "update." + name, inputs, outputs, range, takesInt8);
  };
  const auto branch = [&](const std::string& first, const std::string& second) {
    const LinearTensors before = linear(first, D, 0, Range::bothSides);
    return Branch{before, linear(second, before.outputs, D, Range::fromZero)};
  };
  const auto aggregation = [&](const std::string& name) {
    const LinearTensors f = linear(name + ".f", D, 0, Range::bothSides), g = linear(name + ".g", D, f.outputs, Range::bothSides);
    requireSameInput(f, g);
    return Aggregation{f, g, linear(name + ".h", f.outputs, D, Range::bothSides)};
  };
  const std::vector<std::size_t> row{static_cast<std::size_t>(D)}, head{2, row[0]};
  const auto normOf = [&](const std::string& name) {
    return Norm{floatsOf(tensors, "update." + name + ".weight", row), floatsOf(tensors, "update." + name + ".bias", row)};
  };
  const auto gatedOf = [&](const std::string& before, const std::string& name) {
    Gated block{normOf(before), linear(name + ".gate.0", D, D, Range::bothSides), branch(name + ".res.0", name + ".res.2")};
    requireSameInput(block.gate, block.res.first);
    return block;
  };
  corr0 = linear("corr.0", F, 0, Range::bothSides);
  corr2 = linear("corr.2", corr0.outputs, D, Range::fromZero);
  corr5 = linear("corr.5", D, D, Range::fromZero);
  corr3 = normOf("corr.3");
  norm = normOf("norm");
  previous = branch("c1.0", "c1.2");
  next = branch("c2.0", "c2.2");
  byPatch = aggregation("agg_kk");
  byPair = aggregation("agg_ij");
  gated[0] = gatedOf("gru.0", "gru.1");
  gated[1] = gatedOf("gru.2", "gru.3");
  const char* names[] = {"update.d.1", "update.w.1"};
  for (int h = 0; h < 2; ++h) {
    headWeights[h] = floatsOf(tensors, std::string(names[h]) + ".weight", head);
    headBiases[h] = floatsOf(tensors, std::string(names[h]) + ".bias", {2});
  }
}

}  // namespace qpvo::network
