// SPDX-License-Identifier: MIT
#include "CpuUpdateObject.hpp"

#include "arguments.hpp"
#include "qpvo/correlation_shape.hpp"
#include "tensors.hpp"

namespace qpvo::addon {

namespace {

network::UpdateOptions readOptions(Napi::Env env, const Napi::Object& o) {
  network::UpdateOptions options{};
  options.hiddenDim = integerOf(env, o, "hiddenDim", 1, 4096);
  options.correlationLength = integerOf(env, o, "correlationLength", 1, 65536);
  options.patches = integerOf(env, o, "patches", 1, 1024);
  options.ringSlots = integerOf(env, o, "ringSlots", 1, 256);
  options.maxPairs = integerOf(env, o, "maxPairs", 1, 16384);
  options.threads = integerOf(env, o, "threads", 1, 256);
  require(env, o.Get("instructionSet").IsString(), "instructionSet: expected a name, or '' for the best one.");
  options.instructionSet = o.Get("instructionSet").As<Napi::String>();
  return options;
}

/// The array's memory, once it is long enough.
template <typename Array>
auto* memoryOf(Napi::Env env, const Napi::Object& batch, const char* name, napi_typedarray_type type, std::size_t length) {
  const Napi::Value value = batch.Get(name);
  const bool fits = value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == type && value.As<Napi::TypedArray>().ElementLength() >= length;
  const std::string kind = type == napi_float32_array ? "Float32Array" : type == napi_uint8_array ? "Uint8Array" : "Int32Array";
  const std::string received = value.IsTypedArray() ? std::to_string(value.As<Napi::TypedArray>().ElementLength()) + " elements of a typed array" : value.ToString().Utf8Value();
  require(env, fits, std::string(name) + ": expected a " + kind + " of at least " + std::to_string(length) + " elements, but received " + received + ".");
  return value.As<Array>().Data();
}

}  // namespace

Napi::Function CpuUpdateObject::define(Napi::Env env) {
  const Napi::Function type = DefineClass(env, "CpuUpdate",
                                          {StaticMethod<&CpuUpdateObject::create>("create"), InstanceAccessor<&CpuUpdateObject::instructionSet>("instructionSet"),
                                           InstanceAccessor<&CpuUpdateObject::correlationForm>("correlationForm"),
                                           InstanceMethod<&CpuUpdateObject::update>("update"), InstanceMethod<&CpuUpdateObject::close>("close")});
  return withInstructionSets(type, network::updateInstructionSets());
}

CpuUpdateObject::CpuUpdateObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<CpuUpdateObject>(info) {
  require(info.Env(), info.Length() == 1 && info[0].IsExternal(), "CpuUpdate: expected CpuUpdate.create() instead of new.");
  built_ = *info[0].As<Napi::External<Built>>().Data();
}

Napi::Value CpuUpdateObject::create(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  require(env, info.Length() == 2 && info[0].IsObject() && info[1].IsObject(), "CpuUpdate: expected (options, tensors).");
  const network::UpdateOptions options = readOptions(env, info[0].As<Napi::Object>());
  const network::Tensors tensors = readTensors(env, info[1]);
  auto construct = std::make_shared<Napi::FunctionReference>(Napi::Persistent(info.This().As<Napi::Function>()));
  auto* job = new Job<Built>(
      env, std::make_shared<Gate>(), info[1].As<Napi::Object>(),
      [options, tensors] {
        return Built{options, std::make_shared<network::UpdateOperator>(options, tensors)};
      },
      [construct](Napi::Env e, const Built& built) -> Napi::Value {
        Built held = built;
        return construct->New({Napi::External<Built>::New(e, &held)});
      });
  job->Queue();
  return job->promise();
}

Napi::Value CpuUpdateObject::instructionSet(const Napi::CallbackInfo& info) {
  if (gate_->closed) throw codedError(info.Env(), "QPVO_CLOSED", "the update operator is closed: create another one.");
  return Napi::String::New(info.Env(), built_.update->instructionSet());
}

Napi::Value CpuUpdateObject::correlationForm(const Napi::CallbackInfo& info) {
  if (gate_->closed) throw codedError(info.Env(), "QPVO_CLOSED", "the update operator is closed: create another one.");
  const std::optional<network::CorrelationForm> form = built_.update->correlationForm();
  if (!form) return info.Env().Undefined();
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("scale", form->scale);
  out.Set("zero", form->zero);
  return out;
}

Napi::Value CpuUpdateObject::update(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (gate_->closed) throw codedError(env, "QPVO_CLOSED", "the update operator is closed: create another one.");
  if (gate_->busy) throw codedError(env, "QPVO_BUSY", "one call at a time: await the previous one first.");
  require(env, info.Length() == 1 && info[0].IsObject(), "update: expected (batch).");
  const auto batch = info[0].As<Napi::Object>();
  const network::UpdateOptions& o = built_.options;
  const auto indices = [&](const char* name, std::size_t length) { return memoryOf<Napi::Int32Array>(env, batch, name, napi_int32_array, length); };
  const auto floats = [&](const char* name, std::size_t length) { return memoryOf<Napi::Float32Array>(env, batch, name, napi_float32_array, length); };

  const int count = integerOf(env, batch, "count", 0, o.maxPairs);
  const std::size_t pairs = static_cast<std::size_t>(count), edges = pairs * o.patches;
  const network::PairTable table{count, indices("source", pairs), indices("previous", pairs), indices("next", pairs)};
  const bool isBytes = batch.Get("correlation").IsTypedArray() && batch.Get("correlation").As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array;
  require(env, !isBytes || built_.update->correlationForm(), "correlation: expected a Float32Array for a first layer in fp32, but received bytes.");
  const std::size_t byteStride = (static_cast<std::size_t>(o.correlationLength) + 63) / 64 * 64;
  const network::UpdateArrays arrays{floats("hiddenIn", edges * o.hiddenDim),
                                     floats("contextRing", static_cast<std::size_t>(o.ringSlots) * o.patches * o.hiddenDim),
                                     isBytes ? nullptr : floats("correlation", edges * o.correlationLength),
                                     isBytes ? memoryOf<Napi::Uint8Array>(env, batch, "correlation", napi_uint8_array, (edges + kSpareEdges) * byteStride) : nullptr,
                                     floats("hiddenOut", edges * o.hiddenDim),
                                     floats("delta", edges * 2),
                                     floats("weight", edges * 2)};
  try {
    built_.update->arrange(table);
  } catch (const Error& error) {
    throw codedError(env, error.code(), error.what());
  }
  // Pinned: an object of the arrays, since the batch may be changed while they are in use.
  Napi::Object pinned = Napi::Object::New(env);
  for (const char* name : {"hiddenIn", "contextRing", "correlation", "hiddenOut", "delta", "weight"}) pinned.Set(name, batch.Get(name));
  struct Done {};
  auto* job = new Job<Done>(
      env, gate_, pinned,
      [update = built_.update, arrays] {
        update->run(arrays);
        return Done{};
      },
      [](Napi::Env e, const Done&) { return e.Undefined(); });
  gate_->busy = true;
  job->Queue();
  return job->promise();
}

Napi::Value CpuUpdateObject::close(const Napi::CallbackInfo& info) {
  if (gate_->busy) throw codedError(info.Env(), "QPVO_BUSY", "one call at a time: await the previous one before close().");
  gate_->closed = true;
  built_.update.reset();
  return info.Env().Undefined();
}

}  // namespace qpvo::addon
