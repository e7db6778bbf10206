// SPDX-License-Identifier: MIT
#include "pipelineRequest.hpp"

#include "../tensorrt/module.hpp"
#include "arguments.hpp"
#include "opsArguments.hpp"
#include "tensors.hpp"

namespace qpvo::addon {

namespace {

cuda::Precision precisionOf(Napi::Env env, const Napi::Object& precision, const char* network) {
  const std::string name = precision.Get(network).ToString();
  if (name == "fp32") return cuda::Precision::fp32;
  if (name == "fp16") return cuda::Precision::fp16;
  require(env, name == "int8", std::string("precision of the ") + network + ": expected fp32, fp16 or int8, but received " + name + ".");
  return cuda::Precision::int8;
}

/// The bytes of a serialized engine.
tensorrt::Plan planOf(Napi::Env env, const Napi::Object& engines, const char* graph) {
  const Napi::Value value = engines.Get(graph);
  require(env, value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array, std::string("engine ") + graph + ": expected a Uint8Array.");
  auto bytes = value.As<Napi::Uint8Array>();
  return {bytes.Data(), bytes.ByteLength(), integerOf(env, engines, "dlaCore", -1, 255)};
}

/// Where a network comes from: weights for own kernels, or else engines.
struct Origins {
  Napi::Env env;
  Napi::Object weights, engines;
  std::string module;

  bool isOwn(const char* network) const { return weights.Get(network).IsObject(); }
  network::Tensors tensors(const char* network) const { return readTensors(env, weights.Get(network)); }
};

Origins originsOf(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Origins origins{env, info[2].As<Napi::Object>(), Napi::Object::New(env), ""};
  if (origins.isOwn("encoder") && origins.isOwn("update")) return origins;
  require(env, info.Length() == 4 && info[3].IsObject(), "CudaPipeline: expected weights of both networks, or engines for those without.");
  origins.engines = info[3].As<Napi::Object>();
  origins.module = origins.engines.Get("module").ToString();
  return origins;
}

cuda::EncoderMaker encoderMaker(const Origins& origins, const Options& o, cuda::Precision precision) {
  if (origins.isOwn("encoder")) {
    return [shape = cuda::network::EncoderShape{o.width, o.height, o.patches}, precision, tensors = origins.tensors("encoder")](const cuda::Context& context) {
      return cuda::network::makeEncoder(context, shape, precision, tensors);
    };
  }
  const tensorrt::EncoderRequest request{planOf(origins.env, origins.engines, "features"),
                                         planOf(origins.env, origins.engines, "context"),
                                         o.channels,
                                         o.width,
                                         o.height,
                                         o.featureDim,
                                         o.hiddenDim,
                                         o.patches,
                                         precision};
  return [request, module = origins.module](const cuda::Context& context) { return tensorrt::Module::load(module).openEncoder(request, context); };
}

cuda::UpdateMaker updateMaker(const Origins& origins, const Options& o, cuda::Precision precision) {
  const cuda::network::UpdateShape shape{o.hiddenDim, kCorrelationDim, o.patches, o.ringSlots, o.maxPairs};
  if (origins.isOwn("update")) {
    return [shape, precision, tensors = origins.tensors("update")](const cuda::Context& context) { return cuda::network::makeUpdate(context, shape, precision, tensors); };
  }
  const tensorrt::UpdateRequest request{planOf(origins.env, origins.engines, "update"), shape, precision};
  return [request, module = origins.module](const cuda::Context& context) { return tensorrt::Module::load(module).openUpdate(request, context); };
}

}  // namespace

PipelineRequest readPipelineRequest(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  require(env, info.Length() >= 3 && info[0].IsObject() && info[2].IsObject(), "CudaPipeline: expected (options, undistortion map, weights).");
  const auto options = info[0].As<Napi::Object>();
  PipelineRequest request{};
  Options& o = request.options.state;
  o = readOptions(env, options);
  request.options.device = integerOf(env, options, "device", 0, 255);
  require(env, options.Get("precision").IsObject(), "precision: expected {encoder, update}.");
  const auto precision = options.Get("precision").As<Napi::Object>();
  const cuda::Precision encoder = precisionOf(env, precision, "encoder"), update = precisionOf(env, precision, "update");
  request.options.maps = encoder;
  request.map = readUndistortMap(env, info[1], o);
  const Origins origins = originsOf(info);
  request.encoder = encoderMaker(origins, o, encoder);
  request.update = updateMaker(origins, o, update);
  return request;
}

}  // namespace qpvo::addon
