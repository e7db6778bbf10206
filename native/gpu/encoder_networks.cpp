// SPDX-License-Identifier: MIT
#include "encoder_networks.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace qpvo::gpu {

namespace {

/// Of rectified values near one: the largest that is not cut off, over 255.
constexpr float kInputScale = 5.f / 255;

}  // namespace

MadeUpEncoder::MadeUpEncoder(const EncoderWidths& widths, std::uint64_t seed, bool quantized, std::vector<std::string> floats)
    : random_(seed), quantized_(quantized), floats_(std::move(floats)) {
  constexpr const char* kBlocks[] = {".layer1.0", ".layer1.1", ".layer2.0", ".layer2.1"};
  const int width = widths.width;
  for (const auto& [net, outputs] : {std::pair<std::string, int>{"patchify.fnet", widths.featureDim}, {"patchify.inet", widths.hiddenDim}}) {
    addLayer(net + ".conv1", width, widths.inputChannels, 7);
    for (int b = 0; b < 4; ++b) {
      const std::string block = net + kBlocks[b];
      const int from = b < 3 ? width : 2 * width, to = b < 2 ? width : 2 * width;
      addLayer(block + ".conv1", widths.inner[b], from, 3);
      addLayer(block + ".conv2", to, widths.inner[b], 3);
      if (b == 2) addLayer(block + ".downsample.0", to, from, 1);
    }
    addLayer(net + ".conv2", outputs, 2 * width, 1);
  }
}

std::vector<float>& MadeUpEncoder::values(const std::string& name) {
  return *std::find_if(values_.begin(), values_.end(), [&](const std::vector<float>& values) { return values.data() == tensors_.at(name).values; });
}

bool MadeUpEncoder::staysFloat(const std::string& name) const {
  return !quantized_ || std::any_of(floats_.begin(), floats_.end(), [&](const std::string& end) { return name.ends_with(end); });
}

void MadeUpEncoder::addLayer(const std::string& name, int outputs, int inputs, int size) {
  const auto length = [](int n) { return static_cast<std::size_t>(n); };
  const std::vector<std::size_t> shape{length(outputs), length(inputs), length(size), length(size)};
  const float range = std::sqrt(6.f / static_cast<float>(inputs * size * size));
  std::vector<float> weights = random_.uniforms(length(outputs) * length(inputs) * length(size) * length(size), -range, range);
  add(name + ".bias", {length(outputs)}, random_.uniforms(length(outputs), -0.2f, 0.2f));
  if (size == 7 || staysFloat(name)) return add(name + ".weight", shape, std::move(weights));
  addBytes(name + ".weight", shape, weights);
  add(name + ".input_scale", {1}, {kInputScale});
}

void MadeUpEncoder::add(const std::string& name, std::vector<std::size_t> shape, std::vector<float> values) {
  values_.push_back(std::move(values));
  tensors_[name] = {std::move(shape), values_.back().data(), nullptr};
}

/// By the largest weight of every output.
void MadeUpEncoder::addBytes(const std::string& name, std::vector<std::size_t> shape, const std::vector<float>& values) {
  const std::size_t outputs = shape[0], row = values.size() / outputs;
  std::vector<float> scales(outputs);
  std::vector<std::int8_t> bytes(values.size());
  for (std::size_t o = 0; o < outputs; ++o) {
    float most = 1e-9f;
    for (std::size_t i = 0; i < row; ++i) most = std::max(most, std::abs(values[o * row + i]));
    scales[o] = most / 127;
    for (std::size_t i = 0; i < row; ++i) bytes[o * row + i] = static_cast<std::int8_t>(std::lround(values[o * row + i] / scales[o]));
  }
  bytes_.push_back(std::move(bytes));
  tensors_[name] = {std::move(shape), nullptr, bytes_.back().data()};
  add(name + "_scale", {outputs}, std::move(scales));
}

std::vector<float> madeUpImage(int channels, const ImageSize& size, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> image;
  for (int c = 0; c < channels; ++c) {
    for (int y = 0; y < size.height; ++y) {
      for (int x = 0; x < size.width; ++x) {
        image.push_back(0.5f + 0.5f * std::sin(static_cast<float>(x) / 7 + static_cast<float>(seed % 10)) * std::cos(static_cast<float>(y) / 5) +
                        random.uniform(-0.5f, 0.5f));
      }
    }
  }
  return image;
}

Encoded expectedEncoding(const EncoderWidths& widths, const network::Tensors& tensors, const std::vector<float>& image, const ImageSize& size,
                         const std::vector<std::int32_t>& cells) {
  network::Encoder encoder({size.width, size.height, 1, ""}, tensors);
  const std::size_t area = static_cast<std::size_t>(encoder.gridWidth()) * encoder.gridHeight(), depth = widths.featureDim;
  std::vector<float> planes(area * depth);
  Encoded out{std::vector<float>(planes.size()), std::vector<float>(cells.size() * widths.hiddenDim)};
  encoder.encode(image.data(), cells.data(), static_cast<int>(cells.size()), planes.data(), out.context.data());
  for (std::size_t i = 0; i < planes.size(); ++i) out.features[i % area * depth + i / area] = planes[i];
  return out;
}

}  // namespace qpvo::gpu
