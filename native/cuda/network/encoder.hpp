// SPDX-License-Identifier: MIT
#pragma once

#include "encoder_context.hpp"
#include "encoder_features.hpp"
#include "encoder_layers.hpp"
#include "network/parts.hpp"

namespace qpvo::cuda::network {

/// Both encoders on the GPU; the brother of qpvo::network::Encoder. fp32: ordinary cores, for comparison. fp16: halves with sums in fp32. int8: layers with int8 weights
/// give the integers of the CPU, but where a norm that was rounded otherwise moves a value across a tie; the stems stay in fp32, other layers work in fp16.
class Encoder final : public DeviceEncoder {
 public:
  Encoder(const Context& context, const EncoderShape& shape, Precision precision, const qpvo::network::Tensors& tensors);

  void encode(const float* image, const std::int32_t* cells, int count, void* features, float* context, cudaStream_t stream) override;
  Precision featurePrecision() const override { return precision_ == Precision::fp32 ? Precision::fp32 : Precision::fp16; }

  /// Of a call with all patches.
  EncoderWork work() const;

 private:
  const Precision precision_;
  const int patches_;
  const DeviceEncoderLayers featureLayers_, contextLayers_;
  FeatureEncoder features_;
  ContextEncoder context_;
};

}  // namespace qpvo::cuda::network
