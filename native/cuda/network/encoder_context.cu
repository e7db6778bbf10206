// SPDX-License-Identifier: MIT
#include <algorithm>

#include "encoder_context.hpp"
#include "runtime/copy.hpp"

namespace qpvo::cuda::network {

namespace {

using conv::Form;

// How far from the cell a layer is needed, in pixels of its own map: half the resolution for the stem and the first two blocks, a quarter for the others.
constexpr int kStemReach = 11;
constexpr int kInnerReach[4] = {10, 8, 3, 1}, kOutputReach[4] = {9, 7, 2, 0};

constexpr int sideOf(int reach) { return 2 * reach + 1; }

}  // namespace

ContextEncoder::ContextEncoder(const Context& context, const DeviceEncoderLayers& layers, int width, int height, int patches) : layers_(layers), image_{width, height} {
  half_ = {layers.stem.reduced(width), layers.stem.reduced(height)};
  grid_ = {layers.blocks[2].conv1.reduced(half_.width), layers.blocks[2].conv1.reduced(half_.height)};
  allocate(patches);
  listPasses();
  formChains(context);
}

void ContextEncoder::allocate(int patches) {
  const auto& blocks = layers_.blocks;
  const auto bytesOf = [](const DeviceConv& consumer, int reach) { return static_cast<std::size_t>(sideOf(reach)) * sideOf(reach) * consumer.inputBytes(); };
  std::size_t outer = bytesOf(layers_.head, kOutputReach[3]), inner = 0;
  for (int b = 0; b < 4; ++b) {
    outer = std::max(outer, bytesOf(blocks[b].conv1, b == 0 ? kStemReach : kOutputReach[b - 1]));
    inner = std::max(inner, bytesOf(blocks[b].conv2, kInnerReach[b]));
  }
  constexpr std::size_t kLine = 128;
  cellBytes_ = (std::max(outer, inner) + kLine - 1) / kLine * kLine;
  for (DeviceBuffer<unsigned char>* squares : {&input_, &inner_, &output_}) *squares = DeviceBuffer<unsigned char>(cellBytes_ * patches);
  projected_ = DeviceBuffer<float>(static_cast<std::size_t>(sideOf(kOutputReach[2])) * sideOf(kOutputReach[2]) * blocks[2].conv2.outputChannels * patches);
}

conv::CellSquares ContextEncoder::squares(bool half, int reach) const {
  const Map& map = half ? half_ : grid_;
  return {grid_.width, sideOf(reach), half ? 2 : 1, map.width, map.height};
}

/// Squares of `layer` as the input of `next`.
conv::CellOutput ContextEncoder::output(Squares& out, unsigned char* data, const DeviceConv& layer, const DeviceConv& next, int reach) const {
  out = {data, sideOf(reach), next.form, next.inputStep};
  return {.out = data, .cellBytes = cellBytes_, .form = next.form, .inverseStep = next.inverseStep(), .outputs = layer.outputChannels, .stride = layer.outputChannels};
}

void ContextEncoder::addPass(const DeviceConv& layer, const Squares& in, const conv::CellSquares& squares, const conv::CellOutput& out) {
  const auto area = [](int side) { return static_cast<double>(side) * side; };
  const double shortcut = out.shortcut == nullptr ? 0 : conv::formBytes(out.shortcutForm);
  const double bytes = area(in.side) * layer.inputBytes() + area(squares.side) * out.stride * (conv::formBytes(out.form) + shortcut);
  workOfCell_.add({bytes, area(squares.side) * layer.productsOfPixel(), conv::cellSharedBytes(in.side, layer.taps, layer.inputBytes())});
  passes_.push_back({squares, in.data, cellBytes_, in.side, layer.inputBytes(), layer.multiplier(), layer.stride, out});
  forms_.push_back(layer.form);
}

/// Puts the block's output into `data`, which becomes the input of the next one.
void ContextEncoder::addBlock(int index, const DeviceConv& next, Squares& input, unsigned char* data) {
  const DeviceResidual& block = layers_.blocks[index];
  const bool half = index < 2;
  Squares inner, result;
  const conv::CellOutput innerOut = output(inner, inner_.data(), block.conv1, block.conv2, kInnerReach[index]);
  addPass(block.conv1, input, squares(half, kInnerReach[index]), innerOut);
  const conv::CellSquares squares = this->squares(half, kOutputReach[index]);
  conv::CellOutput out = output(result, data, block.conv2, next, kOutputReach[index]);
  if (block.downsample.has_value()) {
    const int channels = block.downsample->outputChannels;
    const std::size_t projectedBytes = static_cast<std::size_t>(squares.side) * squares.side * channels * sizeof(float);
    addPass(*block.downsample, input, squares,
            {.out = projected_.data(), .cellBytes = projectedBytes, .form = Form::floats, .outputs = channels, .stride = channels, .rectified = false});
    out.shortcut = projected_.data();
    out.shortcutCellBytes = projectedBytes;
    out.shortcutForm = Form::floats;
    out.shortcutSide = squares.side;
  } else {
    out.shortcut = input.data;
    out.shortcutCellBytes = cellBytes_;
    out.shortcutForm = input.form;
    out.shortcutStep = input.step;
    out.shortcutSide = input.side;
  }
  addPass(block.conv2, inner, squares, out);
  input = result;
}

void ContextEncoder::listPasses() {
  const DeviceConv &stem = layers_.stem, &head = layers_.head;
  const auto& blocks = layers_.blocks;
  Squares input;
  const conv::CellOutput stemOut = output(input, input_.data(), stem, blocks[0].conv1, kStemReach);
  stem_ = {squares(true, kStemReach), {nullptr, stem.inputs, image_.width, image_.height}, stem.multiplier(), stemOut};
  for (int b = 0; b < 4; ++b) addBlock(b, b < 3 ? blocks[b + 1].conv1 : head, input, (b % 2 == 0 ? output_ : input_).data());
  addPass(head, input, squares(false, 0),
          {.out = nullptr, .cellBytes = head.outputs * sizeof(float), .form = Form::floats, .outputs = head.outputs, .stride = head.outputs, .rectified = false});
}

void ContextEncoder::formChains(const Context& context) {
  devicePasses_ = DeviceBuffer<conv::CellPass>(passes_.size());
  upload(devicePasses_.data(), passes_.data(), passes_.size(), context.stream());
  context.synchronize();
  for (std::size_t i = 0; i < passes_.size(); ++i) {
    const conv::CellPass& pass = passes_[i];
    const bool wide = conv::isWide(pass.conv.outputs);
    if (chains_.empty() || chains_.back().form != forms_[i] || chains_.back().passes.wide != wide) chains_.push_back({forms_[i], {devicePasses_.data() + i, 0, wide, 0}});
    conv::CellChain& chain = chains_.back().passes;
    ++chain.count;
    chain.sharedBytes = std::max(chain.sharedBytes, conv::cellSharedBytes(pass.inputSide, pass.conv.taps, pass.pixelBytes));
  }
}

void ContextEncoder::encode(const float* image, const std::int32_t* cells, int count, float* out, cudaStream_t stream) {
  const conv::CellCall call = {cells, count, out};
  stem_.image.data = image;
  conv::stemOfCells("encoder.context.stem", layers_.stem.form, stem_, call, stream);
  for (const Chain& chain : chains_) conv::convolveCells("encoder.context", chain.form, chain.passes, call, stream);
}

EncoderWork ContextEncoder::work(int count) const {
  const double image = sideOf(2 * kStemReach + 3), half = sideOf(kStemReach);
  EncoderWork cells = workOfCell_;
  cells.bytes += image * image * layers_.stem.inputs * sizeof(float) + half * half * layers_.stem.outputChannels * conv::formBytes(stem_.out.form);
  cells.products += half * half * layers_.stem.productsOfPixel();
  cells.bytes *= count;
  cells.products *= count;
  return cells;
}

}  // namespace qpvo::cuda::network
