// SPDX-License-Identifier: MIT
#pragma once

// Steps of the update operator on one tile (the M patches of one pair), compiled once per instruction set. Like ../../simd/kernels.hpp, this header and
// update_kernels.cpp include nothing of the standard library.
//
// A tile is row-major [rows][stride]. Strides of fp32 tiles are multiples of kPanel, of quantized ones of kDepth; what lies between width and stride is finite in
// fp32 tiles, arbitrary in quantized ones (their weights are zero there). Buffers have rows for a multiple of kRowGroup. Arrays of the caller of the operator are
// dense instead; where a step takes one, it says so.

namespace qpvo::network {

constexpr int kPanel = 32;     ///< outputs of a layer are packed this many together
constexpr int kDepth = 64;     ///< int8: inputs of a layer are padded to a multiple of it
constexpr int kRowGroup = 16;  ///< rows of a buffer are padded to a multiple of it

/// q = clamp(round_half_to_even(x * inverseScale), low, high), stored in a byte as q + zero (modulo 256).
struct Quantizer {
  float inverseScale = 0, low = 0, high = 0;
  int zero = 0;
};

/// Where the rows of a result go: as they are, quantized, or both. A null pointer leaves one out.
struct Sink {
  float* values = nullptr;
  long stride = 0;
  unsigned char* quantized = nullptr;
  long quantizedStride = 0;
  Quantizer quantizer;
};

/// What becomes of y = x W' + b on its way out.
enum class Finish {
  linear,   ///< y
  relu,     ///< max(y, 0)
  sigmoid,  ///< 1 / (1 + exp(-y))
  add,      ///< residual + y
  gated,    ///< residual + gate * y
};

/// A layer on a tile.
struct Product {
  int rows = 0;
  int inputs = 0;              ///< fp32: inputs; int8: padded inputs, a multiple of kDepth
  int panels = 0;              ///< outputs / kPanel, rounded up
  const float* values = nullptr;             ///< fp32 only: the input, dense or a tile
  const unsigned char* quantized = nullptr;  ///< int8 only: the input
  long stride = 0;                           ///< of the input, in elements
  const float* weights = nullptr;            ///< fp32 only: [panels][inputs][kPanel]
  const signed char* weightsInt8 = nullptr;  ///< int8 only: [panels][inputs / 4][kPanel][4]
  const int* start = nullptr;                ///< int8 only: -zero * (sum of the output's weights), [panels * kPanel]
  const float* scale = nullptr;              ///< int8 only: input scale * weight scale, [panels * kPanel]
  const float* bias = nullptr;               ///< [panels * kPanel]
  Finish finish = Finish::linear;
  const float* residual = nullptr;  ///< tile
  const float* gate = nullptr;      ///< tile
  long finishStride = 0;            ///< of residual and gate
  Sink out;
};

/// Layer norm of the sum of up to three summands, eps = 1e-3.
struct LayerNorm {
  int rows = 0, width = 0;
  const float* in = nullptr;  ///< tile
  long stride = 0;
  const float* addend[2] = {nullptr, nullptr};  ///< may be dense
  long addendStride[2] = {0, 0};                ///< 0: the same row for all
  const float *gamma = nullptr, *beta = nullptr;  ///< zero up to a multiple of kPanel
  bool relu = false;
  Sink out;  ///< values are needed, and may be `in`
};

/// in + addend, row by row; without an addend, `in`.
struct Addition {
  int rows = 0, width = 0;  ///< width: a multiple of kPanel
  const float* in = nullptr;
  long stride = 0;
  const float* addend = nullptr;
  long addendStride = 0;  ///< 0: the same row for all
  Sink out;
};

/// Softmax-weighted mean over the targets of each patch, one target after the other: with the largest logit m so far, sum = sum exp(g - m) and
/// total = sum exp(g - m) f, all tiles of one stride.
struct TargetSoftmax {
  int rows = 0, width = 0;  ///< width: a multiple of kPanel
  long stride = 0;
  float *maximum = nullptr, *sum = nullptr, *total = nullptr;
};

/// Delta = rows 0, 1 and weight = sigmoid(rows 2, 3) of W max(x, 0) + b; x also goes to the caller.
struct Heads {
  int rows = 0, width = 0;
  const float* in = nullptr;  ///< tile
  long stride = 0;
  const float* weights = nullptr;  ///< [4][stride], zero from width on
  float bias[4] = {};
  float* hidden = nullptr;  ///< dense [rows][width]
  float* delta = nullptr;   ///< dense [rows][2]
  float* weight = nullptr;  ///< dense [rows][2]
};

struct UpdateKernels {
  const char* name;
  /// Stored byte of q = 0, as an integer: of tensors from 0 to 255, and of those from -128 to 127.
  int zeroUnsigned, zeroSigned;
  /// Around the work of a thread.
  void (*enter)();
  void (*leave)();
  void (*productF32)(const Product&);
  void (*productInt8)(const Product&);
  /// Dense or tile rows of `width` elements to sink.quantized.
  void (*quantize)(int rows, int width, const float* in, long stride, const Sink& sink);
  void (*layerNorm)(const LayerNorm&);
  void (*add)(const Addition&);
  void (*softmaxBegin)(const TargetSoftmax&);
  void (*softmaxTarget)(const TargetSoftmax&, const float* logits, const float* values);
  void (*softmaxEnd)(const TargetSoftmax&, const Sink&);
  /// Softmax-weighted mean over the rows of a tile: one row.
  void (*softmaxRows)(int rows, int width, long stride, const float* logits, const float* values, const Sink&);
  void (*heads)(const Heads&);
};

}  // namespace qpvo::network
