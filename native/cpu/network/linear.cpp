// SPDX-License-Identifier: MIT
#include "linear.hpp"

#include <algorithm>
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

}  // namespace

const float* floatsOf(const Tensors& tensors, const std::string& name, const std::vector<std::size_t>& shape) {
  const Tensor& tensor = tensorOf(tensors, name);
  if (tensor.values == nullptr) refuse(name, "fp32", "int8");
  if (tensor.shape != shape) refuse(name, "shape " + text(shape), text(tensor.shape));
  return tensor.values;
}

Linear::Linear(const UpdateKernels& kernels, const Tensors& tensors, const std::string& name, int inputs, int outputs, Range range) : kernels_(kernels), name_(name) {
  const Tensor& weight = tensorOf(tensors, name + ".weight");
  const bool fits = weight.shape.size() == 2 && (inputs == 0 || weight.shape[1] == static_cast<std::size_t>(inputs)) &&
                    (outputs == 0 || weight.shape[0] == static_cast<std::size_t>(outputs)) && weight.shape[0] > 0 && weight.shape[1] > 0;
  const auto wanted = [](int n) { return n == 0 ? std::string("any") : std::to_string(n); };
  if (!fits) refuse(name + ".weight", "shape [" + wanted(outputs) + ", " + wanted(inputs) + "]", text(weight.shape));
  outputs_ = static_cast<int>(weight.shape[0]);
  inputs_ = static_cast<int>(weight.shape[1]);
  int8_ = weight.bytes != nullptr;
  bias_ = AlignedBuffer<float>(panels() * kPanel);
  std::copy_n(floatsOf(tensors, name + ".bias", {weight.shape[0]}), outputs_, bias_.data());
  if (int8_) {
    packBytes(tensors, weight.bytes, range);
  } else {
    packFloats(weight.values);
  }
}

void Linear::packFloats(const float* weight) {
  weights_ = AlignedBuffer<float>(static_cast<std::size_t>(panels()) * inputs_ * kPanel);
  for (int o = 0; o < outputs_; ++o) {
    float* column = weights_.data() + static_cast<std::size_t>(o / kPanel) * inputs_ * kPanel + o % kPanel;
    for (int i = 0; i < inputs_; ++i) column[static_cast<std::size_t>(i) * kPanel] = weight[static_cast<std::size_t>(o) * inputs_ + i];
  }
}

void Linear::packBytes(const Tensors& tensors, const std::int8_t* weight, Range range) {
  const std::size_t outputs = static_cast<std::size_t>(outputs_);
  const float* weightScale = floatsOf(tensors, name_ + ".weight_scale", {outputs});
  requireScales(name_ + ".weight_scale", weightScale, outputs_);
  const float* inputScale = floatsOf(tensors, name_ + ".input_scale", {1});
  requireScales(name_ + ".input_scale", inputScale, 1);
  inputScale_ = *inputScale;
  quantizer_ = range == Range::fromZero ? Quantizer{1 / inputScale_, 0, 255, kernels_.zeroUnsigned} : Quantizer{1 / inputScale_, -128, 127, kernels_.zeroSigned};

  const int depth = roundUp(inputs_, kDepth);
  weightsInt8_ = AlignedBuffer<signed char>(static_cast<std::size_t>(panels()) * depth * kPanel);
  scale_ = AlignedBuffer<float>(panels() * kPanel);
  start_ = AlignedBuffer<int>(panels() * kPanel);
  for (int o = 0; o < outputs_; ++o) {
    signed char* panel = weightsInt8_.data() + static_cast<std::size_t>(o / kPanel) * depth * kPanel + o % kPanel * 4;
    int sum = 0;
    for (int i = 0; i < inputs_; ++i) {
      const std::int8_t w = weight[static_cast<std::size_t>(o) * inputs_ + i];
      panel[static_cast<std::size_t>(i / 4) * kPanel * 4 + i % 4] = w;
      sum += w;
    }
    start_[o] = -quantizer_.zero * sum;
    scale_[o] = inputScale_ * weightScale[o];
  }
}

Sink Linear::sink(Tile& tile, bool kept) const {
  Sink out;
  if (kept || !int8_) out.values = tile.values.data();
  out.stride = tile.stride;
  if (int8_) out.quantized = tile.quantized.data();
  out.quantizedStride = tile.quantizedStride;
  out.quantizer = quantizer_;
  return out;
}

void Linear::run(int rows, const Tile& in, Finish finish, const Sink& out, const Tile* residual, const Tile* gate, const float* dense) const {
  Product p;
  p.rows = rows;
  p.panels = panels();
  p.bias = bias_.data();
  p.finish = finish;
  if (residual != nullptr) {
    p.residual = residual->values.data();
    p.finishStride = residual->stride;
  }
  if (gate != nullptr) p.gate = gate->values.data();
  p.out = out;
  if (int8_) {
    p.inputs = roundUp(inputs_, kDepth);
    p.quantized = in.quantized.data();
    p.stride = in.quantizedStride;
    p.weightsInt8 = weightsInt8_.data();
    p.start = start_.data();
    p.scale = scale_.data();
    return kernels_.productInt8(p);
  }
  p.inputs = inputs_;
  p.values = dense != nullptr ? dense : in.values.data();
  p.stride = dense != nullptr ? inputs_ : in.stride;
  p.weights = weights_.data();
  kernels_.productF32(p);
}

void requireSameInput(const Linear& a, const Linear& b) {
  if (a.int8() != b.int8()) {
    refuse(b.name() + ".weight", "the type of " + a.name() + ".weight, which has the same input", b.int8() ? "int8" : "fp32");
  }
  if (a.int8() && a.inputScale() != b.inputScale()) {
    refuse(b.name() + ".input_scale", "that of " + a.name() + ", which has the same input, " + std::to_string(a.inputScale()), std::to_string(b.inputScale()));
  }
}

}  // namespace qpvo::network
