// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <optional>
#include <string>

#include "qpvo/aligned_buffer.hpp"
#include "qpvo/network/encoder.hpp"
#include "simd/conv_kernels.hpp"

namespace qpvo::network {

/// A convolution with its weights in the order of the kernels. value = sum * scale + bias.
struct ConvLayer {
  int inputs = 0, outputs = 0;                ///< channels
  int inputChannels = 0, outputChannels = 0;  ///< the same with padding, as they lie in memory
  int size = 0, stride = 0, pad = 0;
  bool quantized = false;
  float inputStep = 0;      ///< of a quantized input
  int pixelWords = 0;       ///< of the input
  AlignedBuffer<std::int32_t> weights;  ///< [blocks][size][size * pixelWords][kLanes] words
  AlignedBuffer<std::int32_t> start;    ///< [outputChannels]
  AlignedBuffer<float> scale, bias;     ///< [outputChannels], zero in the padding

  int blocks() const { return outputChannels / conv::kLanes; }
  conv::Element element() const { return quantized ? conv::Element::quantized : conv::Element::fp32; }
  /// Rows and columns of the output for those of the input.
  int reduced(int length) const { return (length + 2 * pad - size) / stride + 1; }
};

struct ResidualLayers {
  ConvLayer conv1, conv2;
  std::optional<ConvLayer> downsample;
};

/// The layers of one encoder. The last one gives the result divided by 4, as the published network does.
struct EncoderLayers {
  ConvLayer stem;
  std::array<ResidualLayers, 4> blocks;
  ConvLayer head;
};

/// name: "patchify.fnet" or "patchify.inet". @throws Error QPVO_MODEL
EncoderLayers packEncoder(const Tensors& tensors, const std::string& name, const conv::ConvKernels& kernels);

}  // namespace qpvo::network
