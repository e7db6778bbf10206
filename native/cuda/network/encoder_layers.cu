// SPDX-License-Identifier: MIT
#include <cuda_fp16.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "cpu/network/encoder_layers.hpp"
#include "cpu/network/simd/conv_dispatch.hpp"
#include "encoder_layers.hpp"
#include "qpvo/error.hpp"
#include "runtime/copy.hpp"

namespace qpvo::cuda::network {

namespace {

namespace cpu = qpvo::network;
using conv::Form;

constexpr int kLanes = 32, kWordBytes = 4;

/// The layers as the CPU has checked them, beside the tensors that their weights are taken from.
struct Source {
  const Context& context;
  const cpu::Tensors& tensors;
  Precision precision;
};

bool isStem(const cpu::ConvLayer& layer) { return layer.size == 7; }

Form formOf(const cpu::ConvLayer& layer, Precision precision, const std::string& name) {
  if (layer.quantized && precision != Precision::int8) {
    throw Error("QPVO_MODEL", "tensor " + name + ".weight: expected fp32 for this precision, but received int8: take the fp32 weights, or ask for int8.");
  }
  if (layer.quantized) return Form::bytes;
  return precision == Precision::fp32 || (isStem(layer) && precision == Precision::int8) ? Form::floats : Form::halves;
}

template <class T>
DeviceBuffer<T> uploaded(const Context& context, const std::vector<T>& values) {
  DeviceBuffer<T> buffer(values.size());
  upload(buffer.data(), values.data(), values.size(), context.stream());
  context.synchronize();
  return buffer;
}

/// Puts weight(output, chunk, element of the chunk) of a layer into the order of conv_products.cuh.
class WeightOrder {
 public:
  explicit WeightOrder(const DeviceConv& layer)
      : elements_(conv::kChunkBytes / conv::formBytes(layer.form)), floats_(layer.form == Form::floats), outputs_(layer.outputChannels) {}

  std::size_t byteOf(int output, int chunk, int element) const {
    const std::size_t step = chunk / 2, half = chunk % 2;
    if (floats_) return ((step * 2 + half) * elements_ + element) * outputs_ * kWordBytes + output * kWordBytes;
    // Channel 4 t + 2 n + i of 16 is column 2 t + i of product n, and there held by the lanes of group 2 t + i.
    const int pair = output / conv::kChannelStep, within = output % conv::kChannelStep, product = within % 4 / 2, group = within / 4 * 2 + within % 2;
    const int elementsOfWord = elements_ / 4, lane = group * 4 + element / elementsOfWord;
    const std::size_t word = ((step * (outputs_ / conv::kChannelStep) + pair) * kLanes + lane) * 4 + product * 2 + half;
    return word * kWordBytes + element % elementsOfWord * (kWordBytes / elementsOfWord);
  }
  std::size_t bytes(const conv::Taps& taps) const { return static_cast<std::size_t>(taps.steps()) * 2 * conv::kChunkBytes * outputs_; }
  int elements() const { return elements_; }

 private:
  int elements_;
  bool floats_;
  int outputs_;
};

void putWeight(unsigned char* to, Form form, const cpu::Tensor& weight, std::size_t from) {
  if (form == Form::bytes) {
    std::memcpy(to, &weight.bytes[from], 1);
  } else if (form == Form::halves) {
    const __half value = __float2half_rn(weight.values[from]);
    std::memcpy(to, &value, sizeof value);
  } else {
    std::memcpy(to, &weight.values[from], sizeof(float));
  }
}

/// A tap is one pixel of all channels, or for the stem, whose pixels follow each other without padding, a row of pixels.
std::vector<unsigned char> orderedWeights(const DeviceConv& layer, const cpu::Tensor& weight) {
  const WeightOrder order(layer);
  std::vector<unsigned char> bytes(order.bytes(layer.taps));
  const int k = layer.size, tapPixels = k / layer.taps.columns;
  for (int o = 0; o < layer.outputs; ++o) {
    for (int i = 0; i < layer.inputs; ++i) {
      for (int tap = 0; tap < k * k; ++tap) {
        const int column = tap % k / tapPixels, within = tap % k % tapPixels * layer.inputs + i;
        const int chunk = (tap / k * layer.taps.columns + column) * layer.taps.groups + within / order.elements();
        putWeight(&bytes[order.byteOf(o, chunk, within % order.elements())], layer.form, weight, (static_cast<std::size_t>(o) * layer.inputs + i) * k * k + tap);
      }
    }
  }
  return bytes;
}

std::vector<float> paddedTo(int length, const float* values, int count) {
  std::vector<float> padded(length);
  std::copy_n(values, count, padded.begin());
  return padded;
}

DeviceConv packLayer(const Source& source, const cpu::ConvLayer& layer, const std::string& name) {
  DeviceConv out;
  out.inputs = layer.inputs;
  out.outputs = layer.outputs;
  out.size = layer.size;
  out.stride = layer.stride;
  out.pad = layer.pad;
  out.form = formOf(layer, source.precision, name);
  out.inputStep = layer.inputStep;
  const bool stem = isStem(layer);
  out.inputChannels = stem ? layer.inputs : conv::paddedChannels(layer.inputs);
  out.outputChannels = conv::paddedChannels(layer.outputs);
  const int tapBytes = (stem ? layer.size * layer.inputs : out.inputChannels) * conv::formBytes(out.form);
  out.taps = {layer.size, stem ? 1 : layer.size, (tapBytes + conv::kChunkBytes - 1) / conv::kChunkBytes};
  out.weights = uploaded(source.context, orderedWeights(out, source.tensors.at(name + ".weight")));
  out.scale = uploaded(source.context, paddedTo(out.outputChannels, layer.scale.data(), layer.outputs));
  out.bias = uploaded(source.context, paddedTo(out.outputChannels, layer.bias.data(), layer.outputs));
  return out;
}

DeviceResidual packBlock(const Source& source, const cpu::ResidualLayers& block, const std::string& name) {
  DeviceResidual out = {packLayer(source, block.conv1, name + ".conv1"), packLayer(source, block.conv2, name + ".conv2"), std::nullopt};
  if (block.downsample.has_value()) out.downsample = packLayer(source, *block.downsample, name + ".downsample.0");
  return out;
}

}  // namespace

DeviceEncoderLayers packEncoder(const Context& context, const cpu::Tensors& tensors, const std::string& name, Precision precision) {
  const cpu::EncoderLayers layers = cpu::packEncoder(tensors, name, qpvo::conv::convKernels().named(""));
  const Source source = {context, tensors, precision};
  DeviceEncoderLayers out;
  out.stem = packLayer(source, layers.stem, name + ".conv1");
  const char* const names[] = {".layer1.0", ".layer1.1", ".layer2.0", ".layer2.1"};
  for (int b = 0; b < 4; ++b) out.blocks[b] = packBlock(source, layers.blocks[b], name + names[b]);
  out.head = packLayer(source, layers.head, name + ".conv2");
  return out;
}

}  // namespace qpvo::cuda::network
