// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

#include "encoder_layers.hpp"
#include "qpvo/aligned_buffer.hpp"

namespace qpvo::network {

/// The context encoder at single cells. Without norms a cell depends on 51 x 51 pixels of the image; every layer is evaluated on the square of its map that the
/// next one needs (23, 21, 19, 17, 15 pixels at half, 7, 5, 3, 1 at a quarter of the resolution). What lies outside of a layer's map is zero, as in the whole map.
class ContextEncoder {
 public:
  ContextEncoder(const EncoderLayers& layers, const conv::ConvKernels& kernels, int width, int height, int threads);

  /// out: [outputs] of one cell of the grid.
  void cell(const float* image, int x, int y, float* out, int worker);

 private:
  struct Map {
    int width, height;
  };
  struct Square {
    int left, top, side;
  };
  /// A square of the input of a convolution as its words, and what the shortcut of a residual block keeps of it: bytes or floats, as the convolution takes it.
  struct Patch {
    Square square{};
    AlignedBuffer<std::int32_t> words;
    AlignedBuffer<std::uint8_t> bytes;
    AlignedBuffer<float> floats;
  };
  struct Scratch {
    Patch image, input, inner, output;
    AlignedBuffer<float> row, projected;  ///< sums of a row
  };
  /// One convolution on a square of its map, finished as input of the next one.
  struct Step {
    const ConvLayer& layer;
    const Patch& in;
    const Map& map;
    Square square;
    const ConvLayer& next;
    const ResidualLayers* shortcut = nullptr;  ///< the block whose input `input` is added
    const Patch* input = nullptr;
    bool keep = false;
  };

  void block(const ResidualLayers& layers, const ConvLayer& next, const Map& map, const Square& inner, const Square& output, Scratch& scratch) const;
  void run(const Step& step, Patch& out, Scratch& scratch) const;
  void finishRow(const Step& step, int row, Patch& out, Scratch& scratch) const;
  void addShortcut(const Step& step, int row, conv::FinishRow& finish, Scratch& scratch) const;
  void sums(const ConvLayer& layer, const Patch& in, const Square& square, int row, float* out) const;
  void clearOutside(const Map& map, const ConvLayer& next, Patch& out) const;
  void fillImage(const float* image, Patch& out) const;

  const EncoderLayers& layers_;
  const conv::ConvKernels& kernels_;
  Map image_, half_, grid_;
  std::vector<Scratch> scratch_;
};

}  // namespace qpvo::network
