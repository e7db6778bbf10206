// SPDX-License-Identifier: MIT
#include <string>

#include "encoder.hpp"
#include "qpvo/error.hpp"

namespace qpvo::cuda::network {

Encoder::Encoder(const Context& context, const EncoderShape& shape, Precision precision, const qpvo::network::Tensors& tensors)
    : precision_(precision),
      patches_(shape.patches),
      featureLayers_(packEncoder(context, tensors, "patchify.fnet", precision)),
      contextLayers_(packEncoder(context, tensors, "patchify.inet", precision)),
      features_(featureLayers_, precision, shape.width, shape.height),
      context_(context, contextLayers_, shape.width, shape.height, shape.patches) {
  const int expected = featureLayers_.stem.inputs, received = contextLayers_.stem.inputs;
  if (expected != received) {
    throw Error("QPVO_MODEL", "tensor patchify.inet.conv1.weight: expected " + std::to_string(expected) + " input channels as in patchify.fnet, but received " +
                                  std::to_string(received) + ".");
  }
  const std::size_t needed = work().sharedBytes;
  if (needed > context.sharedPerBlock()) {
    throw Error("QPVO_MODEL", "encoders: expected layers that need at most " + std::to_string(context.sharedPerBlock()) +
                                  " bytes of shared memory, as this GPU has, but received one that needs " + std::to_string(needed) +
                                  ": take fp16 or int8, or a model with fewer channels.");
  }
}

void Encoder::encode(const float* image, const std::int32_t* cells, int count, void* features, float* context, cudaStream_t stream) {
  if (count < 0 || count > patches_)
    throw Error("QPVO_INTERNAL", "cells: expected at most " + std::to_string(patches_) + ", but received " + std::to_string(count) + ".");
  context_.encode(image, cells, count, context, stream);
  features_.encode(image, features, stream);
}

EncoderWork Encoder::work() const {
  EncoderWork all = features_.work();
  all.add(context_.work(patches_));
  return all;
}

std::unique_ptr<DeviceEncoder> makeEncoder(const Context& context, const EncoderShape& shape, Precision precision, const qpvo::network::Tensors& tensors) {
  return std::make_unique<Encoder>(context, shape, precision, tensors);
}

}  // namespace qpvo::cuda::network
