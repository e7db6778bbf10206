// SPDX-License-Identifier: MIT
#include "linear.hpp"

#include <algorithm>

namespace qpvo::network {

Linear::Linear(const UpdateKernels& kernels, const LinearTensors& layer)
    : kernels_(kernels), inputs_(layer.inputs), outputs_(layer.outputs), int8_(layer.int8()), bias_(panels() * kPanel) {
  std::copy_n(layer.bias, outputs_, bias_.data());
  if (int8_) {
    packBytes(layer);
  } else {
    packFloats(layer.weight);
  }
}

void Linear::packFloats(const float* weight) {
  weights_ = AlignedBuffer<float>(static_cast<std::size_t>(panels()) * inputs_ * kPanel);
  for (int o = 0; o < outputs_; ++o) {
    float* column = weights_.data() + static_cast<std::size_t>(o / kPanel) * inputs_ * kPanel + o % kPanel;
    for (int i = 0; i < inputs_; ++i) column[static_cast<std::size_t>(i) * kPanel] = weight[static_cast<std::size_t>(o) * inputs_ + i];
  }
}

void Linear::packBytes(const LinearTensors& layer) {
  inputScale_ = layer.inputScale;
  quantizer_ = layer.range == Range::fromZero ? Quantizer{1 / inputScale_, 0, 255, kernels_.zeroUnsigned} : Quantizer{1 / inputScale_, -128, 127, kernels_.zeroSigned};

  const int depth = roundUp(inputs_, kDepth);
  weightsInt8_ = AlignedBuffer<signed char>(static_cast<std::size_t>(panels()) * depth * kPanel);
  scale_ = AlignedBuffer<float>(panels() * kPanel);
  start_ = AlignedBuffer<int>(panels() * kPanel);
  for (int o = 0; o < outputs_; ++o) {
    signed char* panel = weightsInt8_.data() + static_cast<std::size_t>(o / kPanel) * depth * kPanel + o % kPanel * 4;
    int sum = 0;
    for (int i = 0; i < inputs_; ++i) {
      const std::int8_t w = layer.bytes[static_cast<std::size_t>(o) * inputs_ + i];
      panel[static_cast<std::size_t>(i / 4) * kPanel * 4 + i % 4] = w;
      sum += w;
    }
    start_[o] = -quantizer_.zero * sum;
    scale_[o] = inputScale_ * layer.weightScale[o];
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
  p.finish = finish;
  if (residual != nullptr) {
    p.residual = residual->values.data();
    p.finishStride = residual->stride;
  }
  if (gate != nullptr) p.gate = gate->values.data();
  p.out = out;
  if (int8_) {
    p.quantized = in.quantized.data();
    p.stride = in.quantizedStride;
  } else {
    p.values = dense != nullptr ? dense : in.values.data();
    p.stride = dense != nullptr ? inputs_ : in.stride;
  }
  compute(p);
}

void Linear::runBytes(int rows, const unsigned char* in, Finish finish, const Sink& out) const {
  Product p;
  p.rows = rows;
  p.finish = finish;
  p.out = out;
  p.quantized = in;
  p.stride = roundUp(inputs_, kDepth);
  compute(p);
}

void Linear::compute(Product& p) const {
  p.panels = panels();
  p.bias = bias_.data();
  if (int8_) {
    p.inputs = roundUp(inputs_, kDepth);
    p.weightsInt8 = weightsInt8_.data();
    p.start = start_.data();
    p.scale = scale_.data();
    return kernels_.productInt8(p);
  }
  p.inputs = inputs_;
  p.weights = weights_.data();
  kernels_.productF32(p);
}

}  // namespace qpvo::network
