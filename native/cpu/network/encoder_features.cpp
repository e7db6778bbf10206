// SPDX-License-Identifier: MIT
#include "encoder_features.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace qpvo::network {

namespace {

constexpr int kBlockRows = 8;  ///< output rows of an item: few enough to stay in the cache, many enough that the neighbours' rows do not count
constexpr double kNormEpsilon = 1e-5;

int itemsOf(int rows) { return (rows + kBlockRows - 1) / kBlockRows; }

/// One row of the image between zeros: [pad][width][pad] pixels of interleaved channels.
void fillImageRow(const float* image, int channels, int width, int height, int pad, int y, float* words) {
  const std::size_t count = static_cast<std::size_t>(width + 2 * pad) * channels;
  if (y < 0 || y >= height) {
    std::fill_n(words, count, 0.f);
    return;
  }
  std::fill_n(words, pad * channels, 0.f);
  std::fill_n(words + count - pad * channels, pad * channels, 0.f);
  float* out = words + pad * channels;
  for (int c = 0; c < channels; ++c) {
    const float* row = image + (static_cast<std::size_t>(c) * height + y) * width;
    if (channels == 1) {
      std::memcpy(out, row, width * sizeof(float));
    } else {
      for (int x = 0; x < width; ++x) out[x * channels + c] = row[x];
    }
  }
}

}  // namespace

FeatureEncoder::FeatureEncoder(const EncoderLayers& layers, const conv::ConvKernels& kernels, int width, int height, int threads)
    : layers_(layers),
      kernels_(kernels),
      width_(width),
      height_(height),
      halfWidth_(layers.stem.reduced(width)),
      halfHeight_(layers.stem.reduced(height)),
      gridWidth_(layers.blocks[2].conv1.reduced(halfWidth_)),
      gridHeight_(layers.blocks[2].conv1.reduced(halfHeight_)) {
  const auto& blocks = layers.blocks;
  const auto wider = [](const ConvLayer& a, const ConvLayer& b) -> const ConvLayer& { return a.outputChannels > b.outputChannels ? a : b; };
  halfInner_ = sumMap(wider(blocks[0].conv1, blocks[1].conv1), halfWidth_, halfHeight_);
  halfOuter_ = sumMap(layers.stem, halfWidth_, halfHeight_);
  inner_ = sumMap(wider(blocks[2].conv1, blocks[3].conv1), gridWidth_, gridHeight_);
  outer_ = sumMap(blocks[2].conv2, gridWidth_, gridHeight_);
  shortcut_ = sumMap(blocks[2].conv2, gridWidth_, gridHeight_);
  kept_[0] = keptMap(blocks[0].conv1, halfWidth_, halfHeight_);
  kept_[1] = keptMap(blocks[1].conv1, halfWidth_, halfHeight_);
  kept_[2] = keptMap(blocks[3].conv1, gridWidth_, gridHeight_);
  reserve(layers.stem, width);
  for (const int b : {0, 1}) {
    reserve(blocks[b].conv1, halfWidth_);
    reserve(blocks[b].conv2, halfWidth_);
  }
  reserve(blocks[2].conv1, halfWidth_);
  reserve(blocks[2].conv2, gridWidth_);
  reserve(blocks[3].conv1, gridWidth_);
  reserve(blocks[3].conv2, gridWidth_);
  reserve(layers.head, gridWidth_);
  for (int i = 0; i < threads; ++i) scratch_.push_back({AlignedBuffer<std::int32_t>(scratchWords_), AlignedBuffer<float>(scratchRow_)});
}

FeatureEncoder::SumMap FeatureEncoder::sumMap(const ConvLayer& layer, int width, int height) const {
  const std::size_t channels = layer.outputChannels;
  return {AlignedBuffer<float>(channels * width * height), AlignedBuffer<float>(channels * height), AlignedBuffer<float>(channels * height),
          AlignedBuffer<float>(channels), AlignedBuffer<float>(channels)};
}

FeatureEncoder::KeptMap FeatureEncoder::keptMap(const ConvLayer& consumer, int width, int height) const {
  const std::size_t count = static_cast<std::size_t>(width) * height * consumer.inputChannels;
  KeptMap map;
  map.step = consumer.inputStep;
  if (consumer.quantized) {
    map.bytes = AlignedBuffer<std::uint8_t>(count);
  } else {
    map.floats = AlignedBuffer<float>(count);
  }
  return map;
}

void FeatureEncoder::reserve(const ConvLayer& layer, int width) {
  const std::size_t rows = static_cast<std::size_t>(kBlockRows - 1) * layer.stride + layer.size;
  scratchWords_ = std::max(scratchWords_, (rows * (width + 2 * layer.pad) + static_cast<std::size_t>(conv::kSpareLanes) * layer.stride) * layer.pixelWords);
  scratchRow_ = std::max(scratchRow_, static_cast<std::size_t>(layer.reduced(width) + conv::kSpareLanes) * layer.outputChannels);
}

int FeatureEncoder::stemItems() const { return itemsOf(halfHeight_); }

void FeatureEncoder::stemItem(const float* image, int item, int worker) {
  const ConvLayer& stem = layers_.stem;
  Scratch& scratch = scratch_[worker];
  const long rowWords = static_cast<long>(width_ + 2 * stem.pad) * stem.pixelWords;
  const int first = item * kBlockRows, end = std::min(first + kBlockRows, halfHeight_);
  const int top = first * stem.stride - stem.pad, bottom = (end - 1) * stem.stride - stem.pad + stem.size;
  for (int y = top; y < bottom; ++y) {
    fillImageRow(image, stem.inputs, width_, height_, stem.pad, y, reinterpret_cast<float*>(scratch.words.data() + (y - top) * rowWords));
  }
  for (int y = first; y < end; ++y) storeRow(stem, scratch.words.data() + (y - first) * stem.stride * rowWords, rowWords, halfWidth_, y, halfOuter_, scratch);
}

void FeatureEncoder::finish(ThreadPool& pool, float* features) {
  const auto& [a, b, c, d] = layers_.blocks;
  normalise(layers_.stem, halfWidth_, halfHeight_, halfOuter_);
  convolve(pool, {&halfOuter_, halfWidth_, halfHeight_, nullptr, nullptr, &kept_[0]}, a.conv1, halfInner_);
  convolve(pool, {&halfInner_, halfWidth_, halfHeight_}, a.conv2, halfOuter_);
  convolve(pool, {&halfOuter_, halfWidth_, halfHeight_, &kept_[0], nullptr, &kept_[1]}, b.conv1, halfInner_);
  convolve(pool, {&halfInner_, halfWidth_, halfHeight_}, b.conv2, halfOuter_);
  convolve(pool, {&halfOuter_, halfWidth_, halfHeight_, &kept_[1]}, c.conv1, inner_, &*c.downsample, &shortcut_);
  convolve(pool, {&inner_, gridWidth_, gridHeight_}, c.conv2, outer_);
  convolve(pool, {&outer_, gridWidth_, gridHeight_, nullptr, &shortcut_, &kept_[2]}, d.conv1, inner_);
  convolve(pool, {&inner_, gridWidth_, gridHeight_}, d.conv2, outer_);
  project(pool, {&outer_, gridWidth_, gridHeight_, &kept_[2]}, features);
}

void FeatureEncoder::convolve(ThreadPool& pool, const Input& input, const ConvLayer& layer, SumMap& out, const ConvLayer* beside, SumMap* besideOut) {
  const int width = layer.reduced(input.width), height = layer.reduced(input.height);
  const long rowWords = static_cast<long>(input.width + 2 * layer.pad) * layer.pixelWords;
  pool.run(itemsOf(height), [&](int item, int worker) {
    Scratch& scratch = scratch_[worker];
    const int first = item * kBlockRows, end = std::min(first + kBlockRows, height);
    const int top = first * layer.stride - layer.pad, bottom = (end - 1) * layer.stride - layer.pad + layer.size;
    for (int y = top; y < bottom; ++y) {
      const bool own = y >= first * layer.stride && y < end * layer.stride;
      fillRow(input, layer, y, own, scratch.words.data() + (y - top) * rowWords);
    }
    for (int y = first; y < end; ++y) {
      const std::int32_t* words = scratch.words.data() + (y - first) * layer.stride * rowWords;
      storeRow(layer, words, rowWords, width, y, out, scratch);
      if (beside == nullptr) continue;
      const int inset = layer.pad - beside->pad;
      storeRow(*beside, words + inset * (rowWords + layer.pixelWords), rowWords, width, y, *besideOut, scratch);
    }
  });
  normalise(layer, width, height, out);
  if (beside != nullptr) normalise(*beside, width, height, *besideOut);
}

void FeatureEncoder::project(ThreadPool& pool, const Input& input, float* features) {
  const ConvLayer& head = layers_.head;
  const std::size_t plane = static_cast<std::size_t>(gridWidth_) * gridHeight_;
  pool.run(gridHeight_, [&](int y, int worker) {
    Scratch& scratch = scratch_[worker];
    fillRow(input, head, y, false, scratch.words.data());
    convolveRow(head, scratch.words.data(), 0, gridWidth_, scratch.row.data());
    kernels_.planes(scratch.row.data(), gridWidth_, head.outputChannels, head.outputs, head.scale.data(), head.bias.data(), features + static_cast<std::size_t>(y) * gridWidth_,
                    static_cast<long>(plane));
  });
}

/// The words of input row y between the zeros of the padding; a row outside of the map is zeros.
void FeatureEncoder::fillRow(const Input& input, const ConvLayer& layer, int y, bool own, void* words) const {
  const std::size_t pixelBytes = static_cast<std::size_t>(layer.pixelWords) * 4;
  char* out = static_cast<char*>(words);
  const int zero = layer.quantized ? kernels_.storedOffset & 0xff : 0;
  if (y < 0 || y >= input.height) {
    std::memset(out, zero, (input.width + 2 * layer.pad) * pixelBytes);
    return;
  }
  std::memset(out, zero, layer.pad * pixelBytes);
  std::memset(out + (input.width + layer.pad) * pixelBytes, zero, layer.pad * pixelBytes);
  const SumMap& map = *input.sums;
  const std::size_t at = static_cast<std::size_t>(y) * input.width * layer.inputChannels;
  conv::FinishRow row{};
  row.pixels = input.width;
  row.channels = layer.inputChannels;
  row.raw = map.sums.data() + at;
  row.scale = map.scale.data();
  row.offset = map.offset.data();
  if (input.kept != nullptr && input.kept->bytes.size() > 0) {
    row.bytes = input.kept->bytes.data() + at;
    row.bytesStep = input.kept->step;
  } else if (input.kept != nullptr) {
    row.floats = input.kept->floats.data() + at;
  } else if (input.projected != nullptr) {
    row.projected = input.projected->sums.data() + at;
    row.projectedScale = input.projected->scale.data();
    row.projectedOffset = input.projected->offset.data();
  }
  row.element = layer.element();
  row.inverseStep = layer.quantized ? 1 / layer.inputStep : 0;
  row.out = out + layer.pad * pixelBytes;
  if (own && input.keep != nullptr) row.kept = layer.quantized ? static_cast<void*>(input.keep->bytes.data() + at) : input.keep->floats.data() + at;
  kernels_.finish(row);
}

void FeatureEncoder::convolveRow(const ConvLayer& layer, const std::int32_t* words, long rowWords, int width, float* out) const {
  const conv::ConvRow row{words,          layer.size,        layer.size * layer.pixelWords, rowWords, layer.stride * layer.pixelWords, layer.weights.data(),
                          layer.start.data(), layer.blocks(), width,                         out};
  layer.quantized ? kernels_.convolveQuantized(row) : kernels_.convolveFloat(row);
}

/// Convolves row y into the map. A narrow row goes by way of the scratch: the kernels may write beyond its end.
void FeatureEncoder::storeRow(const ConvLayer& layer, const std::int32_t* words, long rowWords, int width, int y, SumMap& out, Scratch& scratch) const {
  const std::size_t channels = layer.outputChannels;
  float* sums = out.sums.data() + static_cast<std::size_t>(y) * width * channels;
  const bool narrow = width < conv::kSpareLanes;
  convolveRow(layer, words, rowWords, width, narrow ? scratch.row.data() : sums);
  if (narrow) std::memcpy(sums, scratch.row.data(), width * channels * sizeof(float));
  kernels_.moments(sums, width, layer.outputChannels, out.mean.data() + y * channels, out.squares.data() + y * channels);
}

/// Instance norm from the moments of the rows, in their order whatever the threads. The bias of the convolution cancels.
void FeatureEncoder::normalise(const ConvLayer& layer, int width, int height, SumMap& map) const {
  const int channels = layer.outputChannels;
  for (int c = 0; c < channels; ++c) {
    double mean = 0, squares = 0;
    for (int y = 0; y < height; ++y) mean += map.mean[static_cast<std::size_t>(y) * channels + c];
    mean /= height;
    for (int y = 0; y < height; ++y) {
      const double off = map.mean[static_cast<std::size_t>(y) * channels + c] - mean;
      squares += map.squares[static_cast<std::size_t>(y) * channels + c] + width * off * off;
    }
    const double unit = layer.scale[c], variance = unit * unit * squares / (static_cast<double>(width) * height);
    const double scale = unit / std::sqrt(variance + kNormEpsilon);
    map.scale[c] = static_cast<float>(scale);
    map.offset[c] = static_cast<float>(-mean * scale);
  }
}

}  // namespace qpvo::network
