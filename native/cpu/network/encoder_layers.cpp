// SPDX-License-Identifier: MIT
#include "encoder_layers.hpp"

#include <cmath>
#include <cstring>
#include <span>
#include <vector>

#include "qpvo/error.hpp"

namespace qpvo::network {

namespace {

constexpr float kOutputDivisor = 4;
constexpr int kStemSize = 7;

std::string text(const std::vector<std::size_t>& shape) {
  std::string out;
  for (const std::size_t length : shape) out += std::to_string(length) + ",";
  if (!out.empty()) out.pop_back();
  return "[" + out + "]";
}

[[noreturn]] void refuse(const std::string& name, const std::string& expected, const std::string& received) {
  throw Error("QPVO_MODEL", "tensor " + name + ": expected " + expected + ", but received " + received + ".");
}

const Tensor& find(const Tensors& tensors, const std::string& name) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) refuse(name, "a tensor of this name", "none");
  return found->second;
}

/// An fp32 vector of finite values.
std::span<const float> vectorOf(const Tensors& tensors, const std::string& name, int length) {
  const Tensor& tensor = find(tensors, name);
  const bool fits = tensor.shape == std::vector<std::size_t>{static_cast<std::size_t>(length)} && tensor.values != nullptr;
  if (!fits) refuse(name, "fp32 of shape [" + std::to_string(length) + "]", (tensor.values == nullptr ? "int8 of shape " : "shape ") + text(tensor.shape));
  const std::span values(tensor.values, length);
  for (const float value : values) {
    if (!std::isfinite(value)) refuse(name, "finite values", std::to_string(value));
  }
  return values;
}

std::span<const float> scalesOf(const Tensors& tensors, const std::string& name, int length) {
  const std::span<const float> scales = vectorOf(tensors, name, length);
  for (const float value : scales) {
    if (!(value > 0)) refuse(name, "scales above zero", std::to_string(value));
  }
  return scales;
}

int padded(int channels) { return (channels + conv::kLanes - 1) / conv::kLanes * conv::kLanes; }

struct Geometry {
  int inputs;   ///< expected, 0 = any
  int outputs;  ///< expected, 0 = any
  int size, stride, pad;
};

const Tensor& weightOf(const Tensors& tensors, const std::string& name, const Geometry& g) {
  const Tensor& weight = find(tensors, name);
  const std::vector<std::size_t>& s = weight.shape;
  const auto matches = [](std::size_t length, int expected) { return length > 0 && (expected == 0 || length == static_cast<std::size_t>(expected)); };
  const bool fits = s.size() == 4 && matches(s[0], g.outputs) && matches(s[1], g.inputs) && matches(s[2], g.size) && matches(s[3], g.size);
  const auto any = [](int channels) { return channels == 0 ? std::string("any") : std::to_string(channels); };
  if (!fits) refuse(name, "shape [" + any(g.outputs) + "," + any(g.inputs) + "," + std::to_string(g.size) + "," + std::to_string(g.size) + "]", text(s));
  const std::size_t count = s[0] * s[1] * s[2] * s[3];
  for (std::size_t i = 0; i < count; ++i) {
    if (weight.values != nullptr && !std::isfinite(weight.values[i])) refuse(name, "finite values", std::to_string(weight.values[i]));
    if (weight.bytes != nullptr && weight.bytes[i] == -128) refuse(name, "int8 from -127 to 127", "-128");
  }
  return weight;
}

/// Calls put(output, position within the words of the layer, index into the tensor, input) for every weight; a position counts channels.
template <typename Put>
void forEachWeight(const ConvLayer& layer, const Put& put) {
  const int k = layer.size;
  for (int o = 0; o < layer.outputs; ++o) {
    for (int i = 0; i < layer.inputs; ++i) {
      for (int tap = 0; tap < k * k; ++tap) put(o, static_cast<std::size_t>(tap) * layer.inputChannels + i, (static_cast<std::size_t>(o) * layer.inputs + i) * k * k + tap);
    }
  }
}

void packFloats(ConvLayer& layer, const float* weight) {
  const std::size_t blockWords = static_cast<std::size_t>(layer.size) * layer.size * layer.pixelWords * conv::kLanes;
  forEachWeight(layer, [&](int o, std::size_t position, std::size_t from) {
    std::memcpy(&layer.weights[o / conv::kLanes * blockWords + position * conv::kLanes + o % conv::kLanes], &weight[from], sizeof(float));
  });
  for (int o = 0; o < layer.outputs; ++o) layer.scale[o] = 1;
}

void packBytes(ConvLayer& layer, const std::int8_t* weight, const conv::ConvKernels& kernels) {
  const std::size_t perWord = kernels.channelsPerWord;
  const std::size_t blockWords = static_cast<std::size_t>(layer.size) * layer.size * layer.pixelWords * conv::kLanes;
  forEachWeight(layer, [&](int o, std::size_t position, std::size_t from) {
    std::int32_t* word = &layer.weights[o / conv::kLanes * blockWords + position / perWord * conv::kLanes + o % conv::kLanes];
    const std::int16_t value = weight[from];
    std::memcpy(reinterpret_cast<char*>(word) + position % perWord * (4 / perWord), &value, 4 / perWord);  // little-endian: the low byte comes first
    layer.start[o] -= value * kernels.storedOffset;
  });
}

ConvLayer packLayer(const Tensors& tensors, const std::string& name, const Geometry& geometry, const conv::ConvKernels& kernels) {
  const Tensor& weight = weightOf(tensors, name + ".weight", geometry);
  ConvLayer layer;
  layer.outputs = static_cast<int>(weight.shape[0]);
  layer.inputs = static_cast<int>(weight.shape[1]);
  const bool stem = geometry.size == kStemSize;
  layer.inputChannels = stem ? layer.inputs : padded(layer.inputs);
  layer.outputChannels = padded(layer.outputs);
  layer.size = geometry.size;
  layer.stride = geometry.stride;
  layer.pad = geometry.pad;
  layer.quantized = weight.bytes != nullptr;
  if (stem && layer.quantized) refuse(name + ".weight", "fp32: the image is not quantized", "int8");
  layer.pixelWords = layer.quantized ? layer.inputChannels / kernels.channelsPerWord : layer.inputChannels;
  layer.weights = AlignedBuffer<std::int32_t>(static_cast<std::size_t>(layer.outputChannels) * layer.size * layer.size * layer.pixelWords);
  layer.start = AlignedBuffer<std::int32_t>(layer.outputChannels);
  layer.scale = AlignedBuffer<float>(layer.outputChannels);
  layer.bias = AlignedBuffer<float>(layer.outputChannels);
  std::memcpy(layer.bias.data(), vectorOf(tensors, name + ".bias", layer.outputs).data(), layer.outputs * sizeof(float));
  if (!layer.quantized) {
    packFloats(layer, weight.values);
    return layer;
  }
  packBytes(layer, weight.bytes, kernels);
  layer.inputStep = scalesOf(tensors, name + ".input_scale", 1)[0];
  const std::span<const float> scales = scalesOf(tensors, name + ".weight_scale", layer.outputs);
  for (int o = 0; o < layer.outputs; ++o) layer.scale[o] = layer.inputStep * scales[o];
  return layer;
}

ResidualLayers packBlock(const Tensors& tensors, const std::string& name, int inputs, int width, int stride, const conv::ConvKernels& kernels) {
  ResidualLayers block;
  block.conv1 = packLayer(tensors, name + ".conv1", {inputs, 0, 3, stride, 1}, kernels);
  block.conv2 = packLayer(tensors, name + ".conv2", {block.conv1.outputs, width, 3, 1, 1}, kernels);
  if (stride == 1) return block;
  block.downsample = packLayer(tensors, name + ".downsample.0", {inputs, width, 1, stride, 0}, kernels);
  const ConvLayer& beside = *block.downsample;
  if (beside.quantized != block.conv1.quantized || beside.inputStep != block.conv1.inputStep) {
    refuse(name + ".downsample.0.input_scale", "that of conv1, with which it shares its input (" + std::to_string(block.conv1.inputStep) + ")", std::to_string(beside.inputStep));
  }
  return block;
}

}  // namespace

EncoderLayers packEncoder(const Tensors& tensors, const std::string& name, const conv::ConvKernels& kernels) {
  EncoderLayers layers;
  layers.stem = packLayer(tensors, name + ".conv1", {0, 0, kStemSize, 2, kStemSize / 2}, kernels);
  const int width = layers.stem.outputs;
  layers.blocks[0] = packBlock(tensors, name + ".layer1.0", width, width, 1, kernels);
  layers.blocks[1] = packBlock(tensors, name + ".layer1.1", width, width, 1, kernels);
  layers.blocks[2] = packBlock(tensors, name + ".layer2.0", width, 2 * width, 2, kernels);
  layers.blocks[3] = packBlock(tensors, name + ".layer2.1", 2 * width, 2 * width, 1, kernels);
  layers.head = packLayer(tensors, name + ".conv2", {2 * width, 0, 1, 1, 0}, kernels);
  for (int o = 0; o < layers.head.outputs; ++o) {
    layers.head.scale[o] /= kOutputDivisor;
    layers.head.bias[o] /= kOutputDivisor;
  }
  return layers;
}

}  // namespace qpvo::network
