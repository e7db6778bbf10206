// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

// Correlation of feature maps that are held as bytes: inner loops, compiled once per instruction set. byte_kernels.cpp includes nothing of the standard library but this
// integer header, so that no inline function compiled for a newer processor can be linked into code that runs on an older one.

namespace qpvo::simd {

/// One patch against one byte map of a target frame.
struct ByteCorrelationTask {
  const std::int8_t* patch;    ///< [9][C] quantized values
  const std::int32_t* excess;  ///< [9] ByteKernels::zero times the sum over the channels, which the stored bytes add to a product
  const std::uint8_t* map;     ///< pixel (0, 0) of [height][C / 4][stride][4], stored bytes, with at least kMapBorder pixels of value 0 on every side
  int height, width, stride, channels;  ///< stride: pixels from group to group of four channels; channels: multiple of 4
  float scale;                 ///< of a product of quantized values
  const float *x, *y;          ///< [9] map pixels
  float* out;                  ///< [9][7][7], [dy][dx]
};

/// One row of a map to store.
struct ByteRow {
  const float* values;  ///< channel 0 of the first pixel
  long planeSize;       ///< floats from channel to channel
  int channels, pixels;
  float inverseScale;
  std::uint8_t* out;    ///< [C / 4][stride][4]
  int stride;
};

struct ByteKernels {
  const char* name;
  int zero;  ///< the stored byte of the value 0
  void (*correlate)(const ByteCorrelationTask&);
  /// Greatest magnitude of n values; NaN counts for nothing.
  float (*peak)(const float* values, long n);
  /// Rounds half to even, limits to -127..127, adds `zero`.
  void (*quantize)(const ByteRow&);
  /// The same to -128..127, of values that follow each other.
  void (*narrow)(const float* values, long n, float inverseScale, std::uint8_t* out);
};

}  // namespace qpvo::simd
