// SPDX-License-Identifier: MIT
#pragma once

#include "qpvo/aligned_buffer.hpp"
#include "simd/update_kernels.hpp"
#include "update_tensors.hpp"

namespace qpvo::network {

constexpr int roundUp(int n, int step) { return (n + step - 1) / step * step; }

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

/// A fully connected layer, packed for the kernels.
class Linear {
 public:
  Linear(const UpdateKernels& kernels, const LinearTensors& layer);

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

  /// The layer, which works in int8, on rows of bytes like those of a tile.
  void runBytes(int rows, const unsigned char* in, Finish finish, const Sink& out) const;

 private:
  /// Completes the product with what the layer is, and computes it.
  void compute(Product& p) const;
  void packFloats(const float* weight);
  void packBytes(const LinearTensors& layer);

  const UpdateKernels& kernels_;
  int inputs_ = 0, outputs_ = 0;
  bool int8_ = false;
  float inputScale_ = 0;
  Quantizer quantizer_;
  AlignedBuffer<float> weights_, scale_, bias_;
  AlignedBuffer<signed char> weightsInt8_;
  AlignedBuffer<int> start_;
};

}  // namespace qpvo::network
