// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "encoder_layers.hpp"
#include "qpvo/aligned_buffer.hpp"
#include "qpvo/thread_pool.hpp"

namespace qpvo::network {

/// The matching encoder. An instance norm needs the whole map before anything of it can be used, so the work goes in passes over blocks of rows: a pass
/// normalises the rows that it needs (its own and a neighbour's on either side) into words of the next convolution, convolves them, and leaves the sums with
/// the moments of every row. Norm, ReLU, shortcut and quantization therefore never have a map of their own.
class FeatureEncoder {
 public:
  FeatureEncoder(const EncoderLayers& layers, const conv::ConvKernels& kernels, int width, int height, int threads);

  /// Items of the first pass, which the caller may run among others of its own.
  int stemItems() const;
  void stemItem(const float* image, int item, int worker);
  /// The other passes. features: [outputs][gridHeight][gridWidth].
  void finish(ThreadPool& pool, float* features);

  int gridWidth() const { return gridWidth_; }
  int gridHeight() const { return gridHeight_; }

 private:
  /// Sums of a convolution, [height][width][channels], and what the norm makes of them: value = sum * scale + offset.
  struct SumMap {
    AlignedBuffer<float> sums;
    AlignedBuffer<float> mean, squares;   ///< [height][channels]
    AlignedBuffer<float> scale, offset;   ///< [channels]
  };
  /// The input of a residual block for its shortcut: bytes or floats, as its first convolution takes it.
  struct KeptMap {
    AlignedBuffer<std::uint8_t> bytes;
    AlignedBuffer<float> floats;
    float step = 0;
  };
  /// Where the input of a pass comes from: max(0, norm(sums)), then max(0, x + shortcut).
  struct Input {
    const SumMap* sums;
    int width, height;
    const KeptMap* kept = nullptr;       ///< shortcut
    const SumMap* projected = nullptr;   ///< shortcut
    KeptMap* keep = nullptr;             ///< where the input is kept for the shortcut of this block
  };
  struct Scratch {
    AlignedBuffer<std::int32_t> words;
    AlignedBuffer<float> row;
  };

  SumMap sumMap(const ConvLayer& layer, int width, int height) const;
  KeptMap keptMap(const ConvLayer& consumer, int width, int height) const;
  void convolve(ThreadPool& pool, const Input& input, const ConvLayer& layer, SumMap& out, const ConvLayer* beside = nullptr, SumMap* besideOut = nullptr);
  void project(ThreadPool& pool, const Input& input, float* features);
  void fillRow(const Input& input, const ConvLayer& layer, int y, bool own, void* words) const;
  void convolveRow(const ConvLayer& layer, const std::int32_t* words, long rowWords, int width, float* out) const;
  void storeRow(const ConvLayer& layer, const std::int32_t* words, long rowWords, int width, int y, SumMap& out, Scratch& scratch) const;
  void normalise(const ConvLayer& layer, int width, int height, SumMap& map) const;
  void reserve(const ConvLayer& layer, int width);

  const EncoderLayers& layers_;
  const conv::ConvKernels& kernels_;
  int width_, height_, halfWidth_, halfHeight_, gridWidth_, gridHeight_;
  SumMap halfInner_, halfOuter_, inner_, outer_, shortcut_;  ///< after the first, the second convolution of a block; of the downsampling shortcut
  KeptMap kept_[3];
  std::size_t scratchWords_ = 0, scratchRow_ = 0;
  std::vector<Scratch> scratch_;
};

}  // namespace qpvo::network
