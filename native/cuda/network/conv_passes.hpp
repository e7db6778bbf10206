// SPDX-License-Identifier: MIT
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

#include "conv_tiles.hpp"

// The convolutions of the encoders as passes over the device: what a pass is given, and the functions that enqueue one. Activations are channels last, their channels
// padded with zeros to a multiple of kChannelStep. All pointers are device memory.

namespace qpvo::cuda::network::conv {

/// The weights of one convolution. value = sum * scale + bias.
struct Multiplier {
  const void* weights;        ///< in the order of conv_products.cuh
  const float *scale, *bias;  ///< [outputs], zero in the padding
  int outputs;                ///< with padding
  Taps taps;
};

/// Sums of a convolution over a map, [height][width][outputs], with the mean and the sum of squared deviations of every tile, [tiles][outputs].
struct MapSums {
  void* sums;  ///< float, or __half in fp16
  float2* moments;
};

/// Where the input of a pass comes from: x = max(0, sums * scale + offset), then with a shortcut x = max(0, x + shortcut).
struct MapInput {
  const void* sums;
  const float *scale, *offset;  ///< [channels]
  int width, height, channels;  ///< channels with padding
  const void* kept = nullptr;   ///< shortcut, [height][width][channels]
  Form keptForm = Form::floats;
  float keptStep = 0;
  const void* projected = nullptr;  ///< shortcut: sums, times projectedScale plus projectedOffset
  const float *projectedScale = nullptr, *projectedOffset = nullptr;
  void* keep = nullptr;   ///< where the input is kept for the shortcut of this block, in the form that the convolution takes
  float inverseStep = 0;  ///< of that form
};

struct MapPass {
  MapInput input;
  Multiplier conv;
  MapSums out;
  int stride, pad;
  int width, height;       ///< of the output
  Multiplier beside = {};  ///< a second convolution of the same input, if it has outputs; its tap lies under the middle one of the first
  MapSums besideOut = {};
};

struct Image {
  const float* data;  ///< [channels][height][width]
  int channels, width, height;
};

struct StemPass {
  Image image;
  Multiplier conv;
  MapSums out;
  int width, height;  ///< of the output
};

/// The last layer: values [height][width][outputs] without padding.
struct ProjectPass {
  MapInput input;
  Multiplier conv;
  void* out;
  Form form;  ///< halves or floats
  int outputs;
};

/// Sums of a map to what the norm makes of them: scale and offset, [channels].
struct NormPass {
  const float2* moments;
  const float* unit;  ///< scale of the convolution
  float *scale, *offset;
  int channels;
  int width, height, tileRows;
};

/// The squares around the cells: outputs [cells][side][side], the middle one at `scale` times the cell's position in a map of width x height, zero outside of it.
struct CellSquares {
  int gridWidth;
  int side, scale, width, height;
};

/// What changes from image to image.
struct CellCall {
  const std::int32_t* cells;  ///< [count], y * gridWidth + x
  int count;
  float* out;  ///< of the last layer
};

/// What becomes of the sums in squares: x = sum * scale + bias, then if rectified x = max(0, x), then with a shortcut x = max(0, x + shortcut).
struct CellOutput {
  void* out;              ///< [side][side][stride] of every cell, null for that of the call
  std::size_t cellBytes;  ///< from cell to cell: the same in all passes that share an array, since cells do not wait for each other
  Form form;
  float inverseStep = 0;
  int outputs, stride;  ///< channels that are written, and from position to position
  bool rectified = true;
  const void* shortcut = nullptr;  ///< [shortcutSide][shortcutSide][stride] of every cell, its middle on ours
  std::size_t shortcutCellBytes = 0;
  Form shortcutForm = Form::floats;
  float shortcutStep = 0;
  int shortcutSide = 0;
};

struct CellPass {
  CellSquares squares;
  const void* input;  ///< [inputSide][inputSide][channels] of every cell, its middle under ours
  std::size_t inputCellBytes;
  int inputSide, pixelBytes;
  Multiplier conv;
  int stride;
  CellOutput out;
};

/// Convolutions of squares that follow each other, of one form: a block takes its cell through all of them.
struct CellChain {
  const CellPass* passes;  ///< [count]
  int count;
  bool wide;  ///< isWide() of all of them
  std::size_t sharedBytes;
};

struct CellStemPass {
  CellSquares squares;
  Image image;
  Multiplier conv;
  CellOutput out;
};

/// `form` is that of the inputs of a convolution and so its arithmetic: bytes with exact integer sums, halves with sums in fp32, floats. Images become halves or floats.
/// Sums are stored as floats unless `halfSums`, those of an image in halves as __half. `name` is that of the launch.
void stem(const char* name, Form form, const StemPass& pass, cudaStream_t stream);
void convolve(const char* name, Form form, bool halfSums, const MapPass& pass, cudaStream_t stream);
void project(const char* name, Form form, bool halfSums, const ProjectPass& pass, cudaStream_t stream);
void normalise(const char* name, const NormPass& pass, cudaStream_t stream);
void stemOfCells(const char* name, Form form, const CellStemPass& pass, const CellCall& call, cudaStream_t stream);
void convolveCells(const char* name, Form form, const CellChain& chain, const CellCall& call, cudaStream_t stream);

}  // namespace qpvo::cuda::network::conv
