// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "qpvo/aligned_buffer.hpp"
#include "qpvo/network/update.hpp"
#include "simd/update_kernels.hpp"

namespace qpvo::network {

constexpr int roundUp(int n, int step) { return (n + step - 1) / step * step; }

/// Range of the values that a quantized layer takes: from 0 (after a ReLU), or on both sides of it.
enum class Range { fromZero, bothSides };

/// The M rows of one stage of a pair, as fp32, quantized, or both.
struct Tile {
  Tile(int patches, int width) : Tile(patches, width, true) {}

  /// Without fp32 values.
  static Tile quantizedOnly(int patches, int width) { return Tile(patches, width, false); }

  /// All of it as fp32.
  Sink plain() {
    Sink out;
    out.values = values.data();
    out.stride = stride;
    return out;
  }

  long stride, quantizedStride;
  AlignedBuffer<float> values;
  AlignedBuffer<unsigned char> quantized;

 private:
  Tile(int patches, int width, bool withValues)
      : stride(roundUp(width, kPanel)),
        quantizedStride(roundUp(width, kDepth)),
        values(withValues ? static_cast<std::size_t>(roundUp(patches, kRowGroup)) * stride : 0),
        quantized(static_cast<std::size_t>(roundUp(patches, kRowGroup)) * quantizedStride) {}
};

/// A tensor of fp32 with the given shape. @throws QPVO_MODEL
const float* floatsOf(const Tensors& tensors, const std::string& name, const std::vector<std::size_t>& shape);

/// A fully connected layer, packed for the kernels.
class Linear {
 public:
  /// inputs, outputs: expected, 0 = as the weights have it.
  Linear(const UpdateKernels& kernels, const Tensors& tensors, const std::string& name, int inputs, int outputs, Range range);

  const std::string& name() const { return name_; }
  int inputs() const { return inputs_; }
  int outputs() const { return outputs_; }
  int panels() const { return roundUp(outputs_, kPanel) / kPanel; }
  bool int8() const { return int8_; }
  float inputScale() const { return inputScale_; }
  const Quantizer& quantizer() const { return quantizer_; }

  /// Where a stage that feeds this layer goes: into what the layer reads, and as fp32 too when `kept`.
  Sink sink(Tile& tile, bool kept = false) const;

  /// The layer on a tile, or on dense rows when `dense` is given and the layer works in fp32.
  void run(int rows, const Tile& in, Finish finish, const Sink& out, const Tile* residual = nullptr, const Tile* gate = nullptr, const float* dense = nullptr) const;

 private:
  void packFloats(const float* weight);
  void packBytes(const Tensors& tensors, const std::int8_t* weight, Range range);

  const UpdateKernels& kernels_;
  std::string name_;
  int inputs_ = 0, outputs_ = 0;
  bool int8_ = false;
  float inputScale_ = 0;
  Quantizer quantizer_;
  AlignedBuffer<float> weights_, scale_, bias_;
  AlignedBuffer<signed char> weightsInt8_;
  AlignedBuffer<int> start_;
};

/// @throws QPVO_MODEL unless layers that read the same tile quantize it alike
void requireSameInput(const Linear& a, const Linear& b);

}  // namespace qpvo::network
