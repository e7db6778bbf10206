// SPDX-License-Identifier: MIT
#include "encoder_context.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace qpvo::network {

namespace {

// How far from the cell a layer is needed, in pixels of its own map: half the resolution for the stem and the first two blocks, a quarter for the others.
constexpr int kImageReach = 25, kStemReach = 11;
constexpr int kInnerReach[4] = {10, 8, 3, 1}, kOutputReach[4] = {9, 7, 2, 0};
constexpr int kWidestSide = 2 * kStemReach + 1;

}  // namespace

ContextEncoder::ContextEncoder(const EncoderLayers& layers, const conv::ConvKernels& kernels, int width, int height, int threads)
    : layers_(layers), kernels_(kernels), image_{width, height} {
  half_ = {layers.stem.reduced(width), layers.stem.reduced(height)};
  grid_ = {layers.blocks[2].conv1.reduced(half_.width), layers.blocks[2].conv1.reduced(half_.height)};
  int channels = std::max(layers.stem.outputChannels, layers.head.outputChannels);
  for (const ResidualLayers& block : layers.blocks) channels = std::max({channels, block.conv1.outputChannels, block.conv2.outputChannels});
  // Words may be single channels; a kernel reads beyond the last pixel, at most two apart.
  const std::size_t pixels = static_cast<std::size_t>(kWidestSide) * kWidestSide, spare = 2 * conv::kSpareLanes;
  const auto patch = [&] { return Patch{{}, AlignedBuffer<std::int32_t>((pixels + spare) * channels), AlignedBuffer<std::uint8_t>(pixels * channels), AlignedBuffer<float>(pixels * channels)}; };
  const std::size_t imageSide = 2 * kImageReach + 1, rowPixels = kWidestSide + conv::kSpareLanes;
  for (int i = 0; i < threads; ++i) {
    Patch image{{}, AlignedBuffer<std::int32_t>((imageSide * imageSide + spare) * layers.stem.inputs), {}, {}};
    scratch_.push_back({std::move(image), patch(), patch(), patch(), AlignedBuffer<float>(rowPixels * channels), AlignedBuffer<float>(rowPixels * channels)});
  }
}

void ContextEncoder::cell(const float* image, int x, int y, float* out, int worker) {
  const auto around = [&](int scale, int reach) { return Square{scale * x - reach, scale * y - reach, 2 * reach + 1}; };
  const auto& blocks = layers_.blocks;
  const ConvLayer& head = layers_.head;
  Scratch& scratch = scratch_[worker];
  scratch.image.square = around(4, kImageReach);
  fillImage(image, scratch.image);
  run({layers_.stem, scratch.image, half_, around(2, kStemReach), blocks[0].conv1, nullptr, nullptr, true}, scratch.input, scratch);
  for (int b = 0; b < 4; ++b) {
    const int scale = b < 2 ? 2 : 1;
    block(blocks[b], b < 3 ? blocks[b + 1].conv1 : head, b < 2 ? half_ : grid_, around(scale, kInnerReach[b]), around(scale, kOutputReach[b]), scratch);
  }
  sums(head, scratch.input, around(1, 0), 0, scratch.row.data());
  kernels_.planes(scratch.row.data(), 1, head.outputChannels, head.outputs, head.scale.data(), head.bias.data(), out, 1);
}

/// scratch.input -> scratch.input
void ContextEncoder::block(const ResidualLayers& layers, const ConvLayer& next, const Map& map, const Square& inner, const Square& output, Scratch& scratch) const {
  run({layers.conv1, scratch.input, map, inner, layers.conv2}, scratch.inner, scratch);
  run({layers.conv2, scratch.inner, map, output, next, &layers, &scratch.input, true}, scratch.output, scratch);
  std::swap(scratch.input, scratch.output);
}

void ContextEncoder::run(const Step& step, Patch& out, Scratch& scratch) const {
  out.square = step.square;
  for (int row = 0; row < step.square.side; ++row) {
    const int y = step.square.top + row;
    if (y >= 0 && y < step.map.height) finishRow(step, row, out, scratch);
  }
  clearOutside(step.map, step.next, out);
}

void ContextEncoder::finishRow(const Step& step, int row, Patch& out, Scratch& scratch) const {
  const ConvLayer& next = step.next;
  sums(step.layer, step.in, step.square, row, scratch.row.data());
  conv::FinishRow finish{};
  finish.pixels = step.square.side;
  finish.channels = next.inputChannels;
  finish.raw = scratch.row.data();
  finish.scale = step.layer.scale.data();
  finish.offset = step.layer.bias.data();
  if (step.shortcut != nullptr) addShortcut(step, row, finish, scratch);
  finish.element = next.element();
  finish.inverseStep = next.quantized ? 1 / next.inputStep : 0;
  const std::size_t first = static_cast<std::size_t>(row) * step.square.side;
  finish.out = out.words.data() + first * next.pixelWords;
  if (step.keep) finish.kept = next.quantized ? static_cast<void*>(out.bytes.data() + first * finish.channels) : out.floats.data() + first * finish.channels;
  kernels_.finish(finish);
}

void ContextEncoder::addShortcut(const Step& step, int row, conv::FinishRow& finish, Scratch& scratch) const {
  const ResidualLayers& block = *step.shortcut;
  const Square& from = step.input->square;
  if (block.downsample.has_value()) {
    sums(*block.downsample, *step.input, step.square, row, scratch.projected.data());
    finish.projected = scratch.projected.data();
    finish.projectedScale = block.downsample->scale.data();
    finish.projectedOffset = block.downsample->bias.data();
    return;
  }
  const std::size_t at = (static_cast<std::size_t>(step.square.top + row - from.top) * from.side + (step.square.left - from.left)) * finish.channels;
  if (block.conv1.quantized) {
    finish.bytes = step.input->bytes.data() + at;
    finish.bytesStep = block.conv1.inputStep;
  } else {
    finish.floats = step.input->floats.data() + at;
  }
}

/// Sums of a row of the square. Columns outside of the map are computed too, and cleared later.
void ContextEncoder::sums(const ConvLayer& layer, const Patch& in, const Square& square, int row, float* out) const {
  const int y = (square.top + row) * layer.stride - layer.pad - in.square.top, x = square.left * layer.stride - layer.pad - in.square.left;
  const long rowWords = static_cast<long>(in.square.side) * layer.pixelWords;
  const conv::ConvRow task{in.words.data() + y * rowWords + static_cast<long>(x) * layer.pixelWords,
                           layer.size,
                           layer.size * layer.pixelWords,
                           rowWords,
                           layer.stride * layer.pixelWords,
                           layer.weights.data(),
                           layer.start.data(),
                           layer.blocks(),
                           square.side,
                           out};
  layer.quantized ? kernels_.convolveQuantized(task) : kernels_.convolveFloat(task);
}

void ContextEncoder::clearOutside(const Map& map, const ConvLayer& next, Patch& out) const {
  const Square& s = out.square;
  const std::size_t pixelBytes = static_cast<std::size_t>(next.pixelWords) * 4;
  const int zero = next.quantized ? kernels_.storedOffset & 0xff : 0;
  char* words = reinterpret_cast<char*>(out.words.data());
  const int left = std::clamp(-s.left, 0, s.side), right = std::clamp(map.width - s.left, 0, s.side);
  for (int row = 0; row < s.side; ++row) {
    const bool inside = s.top + row >= 0 && s.top + row < map.height;
    const auto clear = [&](int begin, int end) { std::memset(words + (static_cast<std::size_t>(row) * s.side + begin) * pixelBytes, zero, (end - begin) * pixelBytes); };
    clear(0, inside ? left : s.side);
    if (inside) clear(right, s.side);
  }
}

void ContextEncoder::fillImage(const float* image, Patch& out) const {
  const Square& s = out.square;
  const int channels = layers_.stem.inputs;
  float* words = reinterpret_cast<float*>(out.words.data());
  const int left = std::clamp(-s.left, 0, s.side), right = std::clamp(image_.width - s.left, 0, s.side);
  for (int row = 0; row < s.side; ++row, words += s.side * channels) {
    const int y = s.top + row;
    std::fill_n(words, s.side * channels, 0.f);
    if (y < 0 || y >= image_.height) continue;
    for (int c = 0; c < channels; ++c) {
      const float* from = image + (static_cast<std::size_t>(c) * image_.height + y) * image_.width + s.left;
      for (int x = left; x < right; ++x) words[x * channels + c] = from[x];
    }
  }
}

}  // namespace qpvo::network
