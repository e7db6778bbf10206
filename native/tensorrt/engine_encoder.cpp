// SPDX-License-Identifier: MIT
#include "engine_encoder.hpp"

#include <algorithm>
#include <string>

#include "channels_last.hpp"
#include "qpvo/error.hpp"
#include "runtime/copy.hpp"

namespace qpvo::tensorrt {

EngineEncoder::EngineEncoder(std::unique_ptr<Session> features, std::unique_ptr<Session> context, const EncoderLengths& lengths, cuda::Precision precision)
    : lengths_(lengths),
      precision_(precision == cuda::Precision::fp32 ? cuda::Precision::fp32 : cuda::Precision::fp16),
      features_(std::move(features)),
      context_(std::move(context)) {
  const auto& [channels, width, height, featureDim, hiddenDim, patches] = lengths_;
  const EngineTensor image{"image", true, Element::fp32, {1, channels, height, width}};
  const EngineTensor planes{"features", false, Element::fp32, {1, featureDim, height / 4, width / 4}};
  const EngineTensor cells{"cells", true, Element::int32, {patches}};
  const EngineTensor contexts{"context", false, Element::fp32, {patches, hiddenDim}};
  requireTensors(*features_, "features", {image, planes});
  requireTensors(*context_, "context", {image, cells, contexts});

  scratch_ = cuda::DeviceBuffer<std::byte>(std::max(features_->scratchBytes(), context_->scratchBytes()));
  planes_ = cuda::DeviceBuffer<float>(planes.count());
  cells_ = cuda::DeviceBuffer<std::int32_t>(cells.count());
  contexts_ = cuda::DeviceBuffer<float>(contexts.count());
  for (Session* session : {features_.get(), context_.get()}) session->useScratch(scratch_.data(), scratch_.size());
  features_->bind("features", planes_.data());
  context_->bind("cells", cells_.data());
  context_->bind("context", contexts_.data());
}

void EngineEncoder::encode(const float* image, const std::int32_t* cells, int count, void* features, float* context, cudaStream_t stream) {
  if (count < 0 || count > lengths_.patches) {
    throw Error("QPVO_INTERNAL", "cells: expected at most " + std::to_string(lengths_.patches) + ", but received " + std::to_string(count) + ".");
  }
  // TensorRT takes inputs by pointers that are not const, and writes nothing there.
  auto* const pixels = const_cast<float*>(image);
  features_->bind("image", pixels);
  features_->run(stream);
  toChannelsLast(planes_.data(), lengths_.featureDim, (lengths_.height / 4) * (lengths_.width / 4), precision_, features, stream);
  cuda::copyOnDevice(cells_.data(), cells, count, stream);
  context_->bind("image", pixels);
  context_->run(stream);
  cuda::copyOnDevice(context, contexts_.data(), static_cast<std::size_t>(count) * lengths_.hiddenDim, stream);
}

}  // namespace qpvo::tensorrt
