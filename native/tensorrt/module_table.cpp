// SPDX-License-Identifier: MIT
// The shared library's only symbol.
#include <memory>

#include "engine_encoder.hpp"
#include "engine_update.hpp"
#include "module.hpp"
#include "runtime/context.hpp"
#include "session.hpp"

namespace qpvo::tensorrt {

namespace {

void wait(cudaStream_t stream) { cuda::check(cudaStreamSynchronize(stream), "running an engine for the first time"); }

cuda::DeviceEncoder* openEncoder(const EncoderRequest& request, const cuda::Context& context) {
  const EncoderLengths lengths{request.channels, request.width, request.height, request.featureDim, request.hiddenDim, request.patches};
  auto encoder = std::make_unique<EngineEncoder>(openSession(request.features, "features"),
                                                 openSession(request.context, "context"), lengths, request.precision);
  // Its first run loads what TensorRT has put off, and shows an engine that does not run.
  const std::size_t cells = static_cast<std::size_t>(lengths.width / 4) * (lengths.height / 4);
  const cuda::DeviceBuffer<float> image(static_cast<std::size_t>(lengths.channels) * lengths.height * lengths.width);
  const cuda::DeviceBuffer<std::int32_t> centres(lengths.patches);
  cuda::DeviceBuffer<float> features(cells * lengths.featureDim), contexts(static_cast<std::size_t>(lengths.patches) * lengths.hiddenDim);
  encoder->encode(image.data(), centres.data(), lengths.patches, features.data(), contexts.data(), context.stream());
  wait(context.stream());
  return encoder.release();
}

cuda::DeviceUpdate* openUpdate(const UpdateRequest& request, const cuda::Context& context) {
  auto update = std::make_unique<EngineUpdate>(openSession(request.update, "update"), request.shape, request.precision);
  // Without pairs none of the arrays is read or written.
  update->arrange({0, nullptr, nullptr, nullptr}, context.stream());
  update->run({}, context.stream());
  wait(context.stream());
  return update.release();
}

}  // namespace

}  // namespace qpvo::tensorrt

extern "C" __attribute__((visibility("default"))) const qpvo::tensorrt::ModuleTable* qpvo_tensorrt_module() {
  using namespace qpvo::tensorrt;
  static const ModuleTable table{kModuleSurface, sessionVersion, qpvo::cuda::countIn, openEncoder, openUpdate};
  return &table;
}
