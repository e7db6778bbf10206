// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "conv_passes.hpp"
#include "encoder_layers.hpp"
#include "encoder_work.hpp"

namespace qpvo::cuda::network {

/// The context encoder at single cells. Without norms a cell depends on 51 x 51 pixels of the image; every layer is evaluated on the square of its map that the next one
/// needs (23, 21, 19, 17, 15 pixels at half, 7, 5, 3, 1 at a quarter of the resolution). What lies outside of a layer's map is zero, as in the whole map. Exact, and a
/// fraction of the arithmetic of the whole map: 1.62 of 7.26 GMAC for 96 cells of 752 x 480 pixels.
class ContextEncoder {
 public:
  ContextEncoder(const Context& context, const DeviceEncoderLayers& layers, int width, int height, int patches);

  /// cells: [count] on the grid, count <= patches. out: [count][outputs].
  void encode(const float* image, const std::int32_t* cells, int count, float* out, cudaStream_t stream);

  /// Of a call with this many cells.
  EncoderWork work(int count) const;

 private:
  struct Map {
    int width, height;
  };
  /// Squares of all cells, in the form that their consumer takes.
  struct Squares {
    unsigned char* data;
    int side;
    conv::Form form;
    float step;
  };
  struct Chain {
    conv::Form form;
    conv::CellChain passes;
  };

  conv::CellSquares squares(bool half, int reach) const;
  conv::CellOutput output(Squares& out, unsigned char* data, const DeviceConv& layer, const DeviceConv& next, int reach) const;
  void allocate(int patches);
  void listPasses();
  void addBlock(int index, const DeviceConv& next, Squares& input, unsigned char* data);
  void addPass(const DeviceConv& layer, const Squares& in, const conv::CellSquares& squares, const conv::CellOutput& out);
  void formChains(const Context& context);

  const DeviceEncoderLayers& layers_;
  Map image_, half_, grid_;
  DeviceBuffer<unsigned char> input_, inner_, output_;  ///< squares of a residual block; what one puts out is the input of the next one
  std::size_t cellBytes_ = 0;                           ///< of these, from cell to cell
  DeviceBuffer<float> projected_;                       ///< [cells][5][5][channels], the downsampling shortcut
  conv::CellStemPass stem_;
  std::vector<conv::CellPass> passes_;
  std::vector<conv::Form> forms_;  ///< of the passes
  EncoderWork workOfCell_;         ///< without weights, which stay in the caches
  DeviceBuffer<conv::CellPass> devicePasses_;
  std::vector<Chain> chains_;  ///< as long as passes agree in form and width
};

}  // namespace qpvo::cuda::network
