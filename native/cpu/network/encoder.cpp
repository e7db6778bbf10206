// SPDX-License-Identifier: MIT
#include "qpvo/network/encoder.hpp"

#include "encoder_context.hpp"
#include "encoder_features.hpp"
#include "encoder_layers.hpp"
#include "qpvo/error.hpp"
#include "qpvo/thread_pool.hpp"
#include "simd/conv_dispatch.hpp"

namespace qpvo::network {

std::vector<std::string> encoderInstructionSets() { return conv::convKernels().names(); }

struct Encoder::Parts {
  const conv::ConvKernels& kernels;
  const EncoderLayers featureLayers, contextLayers;
  FeatureEncoder features;
  ContextEncoder context;
  ThreadPool pool;

  Parts(const EncoderOptions& o, const Tensors& tensors)
      : kernels(conv::convKernels().named(o.instructionSet)),
        featureLayers(packEncoder(tensors, "patchify.fnet", kernels)),
        contextLayers(packEncoder(tensors, "patchify.inet", kernels)),
        features(featureLayers, kernels, o.width, o.height, o.threads),
        context(contextLayers, kernels, o.width, o.height, o.threads),
        pool(o.threads) {
    if (contextLayers.stem.inputs == featureLayers.stem.inputs) return;
    throw Error("QPVO_MODEL", "tensor patchify.inet.conv1.weight: expected " + std::to_string(featureLayers.stem.inputs) + " input channels as in patchify.fnet, but received " +
                                  std::to_string(contextLayers.stem.inputs) + ".");
  }
};

Encoder::Encoder(const EncoderOptions& options, const Tensors& tensors) {
  try {
    parts_ = std::make_unique<Parts>(options, tensors);
  } catch (const std::bad_alloc&) {
    throw Error("QPVO_INTERNAL", "out of memory for the encoders: choose a smaller image.");
  }
}

Encoder::~Encoder() = default;

int Encoder::gridWidth() const { return parts_->features.gridWidth(); }
int Encoder::gridHeight() const { return parts_->features.gridHeight(); }
int Encoder::inputChannels() const { return parts_->featureLayers.stem.inputs; }
int Encoder::featureDim() const { return parts_->featureLayers.head.outputs; }
int Encoder::hiddenDim() const { return parts_->contextLayers.head.outputs; }

void Encoder::encode(const float* image, const std::int32_t* cells, int count, float* features, float* context) {
  Parts& p = *parts_;
  const int stemItems = p.features.stemItems(), width = gridWidth(), dim = hiddenDim();
  p.pool.run(stemItems + count, [&](int item, int worker) {
    if (item < stemItems) return p.features.stemItem(image, item, worker);
    const int cell = item - stemItems;
    p.context.cell(image, cells[cell] % width, cells[cell] / width, context + static_cast<std::size_t>(cell) * dim, worker);
  });
  p.features.finish(p.pool, features);
}

}  // namespace qpvo::network
