// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <optional>
#include <string>

#include "conv_passes.hpp"
#include "precision.hpp"
#include "qpvo/network/update.hpp"
#include "runtime/context.hpp"
#include "runtime/device_buffer.hpp"

namespace qpvo::cuda::network {

/// A convolution on the device, with its weights in the order of the kernels.
struct DeviceConv {
  int inputs = 0, outputs = 0;                ///< channels
  int inputChannels = 0, outputChannels = 0;  ///< the same with padding, as they lie in memory
  int size = 0, stride = 0, pad = 0;
  conv::Form form = conv::Form::floats;  ///< of its inputs
  float inputStep = 0;                   ///< of bytes
  conv::Taps taps{};
  DeviceBuffer<unsigned char> weights;
  DeviceBuffer<float> scale, bias;  ///< [outputChannels], zero in the padding

  conv::Multiplier multiplier() const { return {weights.data(), scale.data(), bias.data(), outputChannels, taps}; }
  float inverseStep() const { return form == conv::Form::bytes ? 1 / inputStep : 0; }
  /// Bytes of an input pixel.
  int inputBytes() const { return inputChannels * conv::formBytes(form); }
  double weightBytes() const { return static_cast<double>(weights.size()); }
  /// Multiplications with an addition that an output pixel needs.
  double productsOfPixel() const { return static_cast<double>(inputs) * outputs * size * size; }
  /// Rows or columns of the output for those of the input.
  int reduced(int length) const { return (length + 2 * pad - size) / stride + 1; }
};

struct DeviceResidual {
  DeviceConv conv1, conv2;
  std::optional<DeviceConv> downsample;
};

/// The layers of one encoder. The last one gives the result divided by 4, as the published network does.
struct DeviceEncoderLayers {
  DeviceConv stem;
  std::array<DeviceResidual, 4> blocks;
  DeviceConv head;
};

/// name: "patchify.fnet" or "patchify.inet". The stem, whose input is the image, is fp16 where everything is, else fp32. Copies are enqueued and done on return.
/// @throws Error QPVO_MODEL as the CPU's packEncoder, and for int8 weights unless int8 is asked for
DeviceEncoderLayers packEncoder(const Context& context, const qpvo::network::Tensors& tensors, const std::string& name, Precision precision);

}  // namespace qpvo::cuda::network
