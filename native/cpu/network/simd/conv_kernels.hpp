// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

// Inner loops of the encoders, compiled once per instruction set. conv_kernels.cpp includes nothing of the standard library but this integer header, so that no
// inline function compiled for a newer processor can be linked into code that runs on an older one.
//
// Activations are channels last, their channels padded with zeros to a multiple of kLanes. A kernel sees them as words of four bytes: one fp32 channel, or the
// quantized channels of one multiply-add (four bytes where the processor multiplies bytes, two 16-bit values elsewhere: the sums are exact in every form).

namespace qpvo::conv {

constexpr int kLanes = 16;       ///< output channels computed together
constexpr int kSpareLanes = 24;  ///< pixels beyond the last one that may be read (input) and written (output)

/// One row of output pixels of a convolution.
struct ConvRow {
  const void* input;     ///< the first word under tap (0, 0) of the first pixel
  int rows;              ///< rows of taps
  int words;             ///< words of a row of taps; they follow each other
  long rowWords;         ///< words from row to row of taps
  int pixelWords;        ///< words from output pixel to output pixel
  const void* weights;   ///< [blocks][rows][words][kLanes] words
  const std::int32_t* start;  ///< [blocks][kLanes] where quantized sums begin
  int blocks;            ///< output channels / kLanes
  int pixels;            ///< from 1
  float* out;            ///< [pixels][blocks][kLanes] sums
};

enum class Element { quantized, fp32 };

/// What comes after a convolution: x = max(0, raw * scale + offset), then with a shortcut x = max(0, x + shortcut), then out = x or round(x / step).
struct FinishRow {
  int pixels, channels;  ///< channels: multiple of kLanes
  const float* raw;      ///< [pixels][channels]
  const float *scale, *offset;  ///< [channels]
  /// At most one of the three shortcuts is given.
  const std::uint8_t* bytes = nullptr;  ///< [pixels][channels], times bytesStep
  float bytesStep = 0;
  const float* floats = nullptr;        ///< [pixels][channels]
  const float* projected = nullptr;     ///< [pixels][channels], times projectedScale [channels] plus projectedOffset [channels]
  const float *projectedScale = nullptr, *projectedOffset = nullptr;
  Element element = Element::fp32;
  float inverseStep = 0;
  void* out = nullptr;   ///< [pixels][channels] elements
  /// The block's input for its own shortcut, or null: of the element's kind, quantized as plain bytes.
  void* kept = nullptr;
};

struct ConvKernels {
  const char* name;
  int channelsPerWord;      ///< quantized channels of a word
  std::int32_t storedOffset; ///< what is added to a quantized value before it is stored
  void (*convolveQuantized)(const ConvRow&);
  void (*convolveFloat)(const ConvRow&);
  void (*finish)(const FinishRow&);
  /// Mean and sum of squared deviations of each channel over [pixels][channels].
  void (*moments)(const float* raw, int pixels, int channels, float* mean, float* squares);
  /// planes[c * planeSize + p] = raw[p][c] * scale[c] + offset[c], c < outputs.
  void (*planes)(const float* raw, int pixels, int channels, int outputs, const float* scale, const float* offset, float* planes, long planeSize);
};

}  // namespace qpvo::conv
