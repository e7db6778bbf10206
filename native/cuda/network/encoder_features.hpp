// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "conv_passes.hpp"
#include "encoder_layers.hpp"
#include "encoder_work.hpp"

namespace qpvo::cuda::network {

/// The matching encoder over a whole image. An instance norm needs the whole map before anything of it can be used: a pass leaves raw sums and the moments of its tiles,
/// a small kernel makes scale and offset of those, and the next pass normalises, rectifies, adds the shortcut and quantizes while it fills its tiles. Only sums and the
/// inputs of residual blocks are ever written. Sums are __half in fp16 and float otherwise: in int8 they are the exact integers.
class FeatureEncoder {
 public:
  FeatureEncoder(const DeviceEncoderLayers& layers, Precision precision, int width, int height);

  /// features: [gridHeight][gridWidth][outputs], float in fp32, else __half.
  void encode(const float* image, void* features, cudaStream_t stream);

  EncoderWork work() const;

 private:
  struct Size {
    int width, height;
    double pixels() const { return static_cast<double>(width) * height; }
  };
  /// Sums of a convolution and what its norm makes of them.
  struct Map {
    DeviceBuffer<unsigned char> sums;
    DeviceBuffer<float2> moments;
    DeviceBuffer<float> scale, offset;
  };
  /// The input of a residual block for its shortcut, in the form that its first convolution takes.
  struct Kept {
    DeviceBuffer<unsigned char> data;
    conv::Form form;
    float step;
  };
  struct Step {
    const char* name;
    conv::Form form;
    conv::MapPass pass;
    conv::NormPass norm, besideNorm;  ///< the second one has no channels unless there is a convolution beside
    EncoderWork work;
  };

  Map map(int channels, const Size& size) const;
  static Kept kept(const DeviceConv& consumer, const Size& size);
  static conv::MapInput input(const Map& map, const Size& size, const DeviceConv& consumer);
  static void addKept(conv::MapInput& input, const Kept& kept);
  static conv::NormPass norm(const DeviceConv& layer, const Size& size, int tileRows, Map& map);
  void listSteps();
  void addStep(const char* name, const conv::MapInput& input, const DeviceConv& layer, const Size& size, Map& out, const DeviceConv* beside = nullptr,
               Map* besideOut = nullptr);
  double inputBytes(const conv::MapInput& input, conv::Form form) const;
  double sumBytes() const { return halfSums_ ? 2 : 4; }

  const DeviceEncoderLayers& layers_;
  bool halfSums_;
  Size image_, half_, grid_;
  Map halfInner_, halfOuter_, inner_, outer_, shortcut_;  ///< after the first, the second convolution of a block; of the downsampling shortcut
  Kept kept_[3];
  conv::StemPass stem_;
  std::vector<Step> steps_;
  conv::ProjectPass head_;
};

}  // namespace qpvo::cuda::network
