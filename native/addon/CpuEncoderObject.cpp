// SPDX-License-Identifier: MIT
#include "CpuEncoderObject.hpp"

#include "arguments.hpp"
#include "tensors.hpp"

namespace qpvo::addon {

namespace {

constexpr int kSmallestSide = 16, kLargestSide = 8192;

network::EncoderOptions readOptions(Napi::Env env, const Napi::Object& o) {
  network::EncoderOptions options{};
  options.width = integerOf(env, o, "width", kSmallestSide, kLargestSide);
  options.height = integerOf(env, o, "height", kSmallestSide, kLargestSide);
  options.threads = integerOf(env, o, "threads", 1, 256);
  require(env, o.Get("instructionSet").IsString(), "instructionSet: expected a name, or '' for the best one.");
  options.instructionSet = o.Get("instructionSet").As<Napi::String>();
  return options;
}

/// The memory of an array of exactly `length` elements.
float* floatsOf(Napi::Env env, const Napi::Value& value, const char* name, std::size_t length) {
  const bool typed = value.IsTypedArray();
  const bool floats = typed && value.As<Napi::TypedArray>().TypedArrayType() == napi_float32_array;
  const std::string received = floats ? std::to_string(value.As<Napi::TypedArray>().ElementLength()) + " elements" : typed ? "another typed array" : value.ToString().Utf8Value();
  require(env, floats && value.As<Napi::TypedArray>().ElementLength() == length,
          std::string(name) + ": expected a Float32Array of " + std::to_string(length) + " elements, but received " + received + ".");
  return value.As<Napi::Float32Array>().Data();
}

/// The cells, all of them on the grid.
Napi::Int32Array cellsOf(Napi::Env env, const Napi::Value& value, int gridCells) {
  require(env, value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_int32_array, "cells: expected an Int32Array.");
  const auto cells = value.As<Napi::Int32Array>();
  for (std::size_t i = 0; i < cells.ElementLength(); ++i) {
    const int cell = cells[i];
    require(env, cell >= 0 && cell < gridCells, "cell " + std::to_string(i) + ": expected 0 to " + std::to_string(gridCells - 1) + ", but received " + std::to_string(cell) + ".");
  }
  return cells;
}

}  // namespace

Napi::Function CpuEncoderObject::define(Napi::Env env) {
  const Napi::Function type =
      DefineClass(env, "CpuEncoder",
                  {StaticMethod<&CpuEncoderObject::create>("create"), InstanceMethod<&CpuEncoderObject::encode>("encode"), InstanceMethod<&CpuEncoderObject::close>("close")});
  return withInstructionSets(type, network::encoderInstructionSets());
}

CpuEncoderObject::CpuEncoderObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<CpuEncoderObject>(info) {
  require(info.Env(), info.Length() == 1 && info[0].IsExternal(), "CpuEncoder: expected CpuEncoder.create() instead of new.");
  built_ = *info[0].As<Napi::External<Built>>().Data();
}

Napi::Value CpuEncoderObject::create(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  require(env, info.Length() == 2 && info[0].IsObject() && info[1].IsObject(), "CpuEncoder: expected (options, tensors).");
  const network::EncoderOptions options = readOptions(env, info[0].As<Napi::Object>());
  const network::Tensors tensors = readTensors(env, info[1]);
  auto construct = std::make_shared<Napi::FunctionReference>(Napi::Persistent(info.This().As<Napi::Function>()));
  auto* job = new Job<Built>(
      env, std::make_shared<Gate>(), info[1].As<Napi::Object>(), [options, tensors] { return Built{options, std::make_shared<network::Encoder>(options, tensors)}; },
      [construct](Napi::Env e, const Built& built) -> Napi::Value {
        Built held = built;
        return construct->New({Napi::External<Built>::New(e, &held)});
      });
  job->Queue();
  return job->promise();
}

Napi::Value CpuEncoderObject::encode(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (gate_->closed) throw codedError(env, "QPVO_CLOSED", "the encoders are closed: create others.");
  if (gate_->busy) throw codedError(env, "QPVO_BUSY", "one call at a time: await the previous one first.");
  require(env, info.Length() == 4, "encode: expected (image, cells, features, context).");
  const network::Encoder& encoder = *built_.encoder;
  const int gridCells = encoder.gridWidth() * encoder.gridHeight();
  const std::size_t pixels = static_cast<std::size_t>(built_.options.width) * built_.options.height;
  const float* image = floatsOf(env, info[0], "image", pixels * encoder.inputChannels());
  Napi::Int32Array cells = cellsOf(env, info[1], gridCells);
  float* features = floatsOf(env, info[2], "features", static_cast<std::size_t>(gridCells) * encoder.featureDim());
  float* context = floatsOf(env, info[3], "context", cells.ElementLength() * encoder.hiddenDim());
  Napi::Object pinned = Napi::Object::New(env);
  const char* const names[] = {"image", "cells", "features", "context"};
  for (std::size_t i = 0; i < 4; ++i) pinned.Set(names[i], info[i]);
  struct Done {};
  auto* job = new Job<Done>(
      env, gate_, pinned,
      [held = built_.encoder, image, first = cells.Data(), count = static_cast<int>(cells.ElementLength()), features, context] {
        held->encode(image, first, count, features, context);
        return Done{};
      },
      [](Napi::Env e, const Done&) { return e.Undefined(); });
  gate_->busy = true;
  job->Queue();
  return job->promise();
}

Napi::Value CpuEncoderObject::close(const Napi::CallbackInfo& info) {
  if (gate_->busy) throw codedError(info.Env(), "QPVO_BUSY", "one call at a time: await the previous one before close().");
  gate_->closed = true;
  built_.encoder.reset();
  return info.Env().Undefined();
}

}  // namespace qpvo::addon
