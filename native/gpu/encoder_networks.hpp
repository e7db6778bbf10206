// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "cases.hpp"
#include "qpvo/network/encoder.hpp"

// Encoders and images made up for the cases.

namespace qpvo::gpu {

struct EncoderWidths {
  int inputChannels;
  int width;     ///< channels of the first stage; the second has twice as many
  int inner[4];  ///< channels inside the residual blocks layer1.0, layer1.1, layer2.0, layer2.1
  int featureDim, hiddenDim;
};

inline constexpr EncoderWidths kSmallEncoder = {1, 16, {16, 16, 32, 32}, 64, 128};
inline constexpr EncoderWidths kBaseEncoder = {3, 32, {32, 32, 64, 64}, 128, 384};
inline constexpr EncoderWidths kPrunedEncoder = {3, 32, {24, 40, 48, 56}, 128, 384};
/// Widths that are no multiples of anything.
inline constexpr EncoderWidths kOddEncoder = {3, 5, {3, 7, 9, 17}, 19, 33};

/// Random layers of both encoders that keep activations near one. With `quantized` all layers but the stem and those whose names end in one of `floats` have int8
/// weights, and input scales that cut off few values.
class MadeUpEncoder {
 public:
  MadeUpEncoder(const EncoderWidths& widths, std::uint64_t seed, bool quantized = false, std::vector<std::string> floats = {});
  const network::Tensors& tensors() const { return tensors_; }
  /// Of an fp32 tensor, to be changed.
  std::vector<float>& values(const std::string& name);

 private:
  void addLayer(const std::string& name, int outputs, int inputs, int size);
  void add(const std::string& name, std::vector<std::size_t> shape, std::vector<float> values);
  void addBytes(const std::string& name, std::vector<std::size_t> shape, const std::vector<float>& values);
  bool staysFloat(const std::string& name) const;

  Random random_;
  bool quantized_;
  std::vector<std::string> floats_;
  std::deque<std::vector<float>> values_;
  std::deque<std::vector<std::int8_t>> bytes_;
  network::Tensors tensors_;
};

struct ImageSize {
  int width, height;
};

/// Smooth structure and noise, about -0.5 .. 1.5, [channels][height][width].
std::vector<float> madeUpImage(int channels, const ImageSize& size, std::uint64_t seed);

/// Features channels last.
struct Encoded {
  std::vector<float> features, context;
};

/// The CPU's results.
Encoded expectedEncoding(const EncoderWidths& widths, const network::Tensors& tensors, const std::vector<float>& image, const ImageSize& size,
                         const std::vector<std::int32_t>& cells);

}  // namespace qpvo::gpu
