// SPDX-License-Identifier: MIT
#include "CudaPipelineObject.hpp"

#include <algorithm>
#include <utility>

#include "../cuda/gpu_report.hpp"
#include "arguments.hpp"
#include "opsArguments.hpp"
#include "pipelineRequest.hpp"

namespace qpvo::addon {

namespace {

/// A typed array over pinned memory, which the owner keeps until the pipeline is closed.
template <typename Array, typename T>
void expose(Napi::Env env, Napi::Object& out, const char* name, const std::shared_ptr<void>& owner, T* data, std::size_t count) {
  auto* held = new std::shared_ptr<void>(owner);
  const auto memory = Napi::ArrayBuffer::New(env, data, count * sizeof(T), [](Napi::Env, void*, std::shared_ptr<void>* kept) { delete kept; }, held);
  out.Set(name, Array::New(env, count, memory, 0));
}

Napi::Object exposeMirrors(Napi::Env env, const cuda::Mirrors& m, const Options& o, const std::shared_ptr<void>& owner) {
  Napi::Object out = Napi::Object::New(env);
  const auto slots = static_cast<std::size_t>(o.ringSlots), pairs = static_cast<std::size_t>(o.maxPairs), patches = static_cast<std::size_t>(o.patches);
  const std::size_t lanes = slots * m.patchStride, edges = pairs * patches;
  expose<Napi::Float32Array>(env, out, "image", owner, m.image, static_cast<std::size_t>(o.channels) * o.width * o.height);
  expose<Napi::Float32Array>(env, out, "centre", owner, m.centre, edges * 2);
  expose<Napi::Float32Array>(env, out, "delta", owner, m.delta, edges * 2);
  expose<Napi::Float32Array>(env, out, "weight", owner, m.weight, edges * 2);
  expose<Napi::Int32Array>(env, out, "pairSource", owner, m.pairSource, pairs);
  expose<Napi::Int32Array>(env, out, "pairTarget", owner, m.pairTarget, pairs);
  expose<Napi::Int32Array>(env, out, "poseVariable", owner, m.poseVariable, slots);
  expose<Napi::Float64Array>(env, out, "poses", owner, m.poses, slots * 7);
  expose<Napi::Float32Array>(env, out, "patchX", owner, m.patchX, lanes);
  expose<Napi::Float32Array>(env, out, "patchY", owner, m.patchY, lanes);
  expose<Napi::Float32Array>(env, out, "inverseDepth", owner, m.inverseDepth, lanes);
  expose<Napi::Float32Array>(env, out, "depthVariance", owner, m.depthVariance, lanes);
  expose<Napi::Float64Array>(env, out, "poseCovariance", owner, m.poseCovariance, 36);
  expose<Napi::Uint8Array>(env, out, "colors", owner, m.colors, slots * patches * 3);
  out.Set("patchStride", Napi::Number::New(env, m.patchStride));
  return out;
}

/// An Int32Array of at least so many elements.
const std::int32_t* indices(Napi::Env env, const Napi::Object& pairs, const char* name, int count) {
  const Napi::Value value = pairs.Get(name);
  const bool fits = value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_int32_array &&
                    value.As<Napi::TypedArray>().ElementLength() >= static_cast<std::size_t>(count);
  require(env, fits, std::string(name) + ": expected an Int32Array of at least " + std::to_string(count) + " elements, but received " + value.ToString().Utf8Value() + ".");
  return value.As<Napi::Int32Array>().Data();
}

}  // namespace

Napi::Function CudaPipelineObject::define(Napi::Env env) {
  return DefineClass(env, "CudaPipeline",
                     {StaticMethod<&CudaPipelineObject::create>("create"), StaticMethod<&CudaPipelineObject::memory>("memory"),
                      InstanceAccessor<&CudaPipelineObject::buffers>("buffers"), InstanceMethod<&CudaPipelineObject::prepareImage>("prepareImage"),
                      InstanceMethod<&CudaPipelineObject::samplePatches>("samplePatches"), InstanceMethod<&CudaPipelineObject::setPose>("setPose"),
                      InstanceMethod<&CudaPipelineObject::setInverseDepths>("setInverseDepths"),
                      InstanceMethod<&CudaPipelineObject::encode>("encode"), InstanceMethod<&CudaPipelineObject::insertFrame>("insertFrame"),
                      InstanceMethod<&CudaPipelineObject::correlate>("correlate"), InstanceMethod<&CudaPipelineObject::update>("update"),
                      InstanceMethod<&CudaPipelineObject::swapHidden>("swapHidden"), InstanceMethod<&CudaPipelineObject::moveHidden>("moveHidden"),
                      InstanceMethod<&CudaPipelineObject::clearHidden>("clearHidden"), InstanceMethod<&CudaPipelineObject::bundleAdjust>("bundleAdjust"),
                      InstanceMethod<&CudaPipelineObject::readBack>("readBack"), InstanceMethod<&CudaPipelineObject::readView>("readView"),
                      InstanceMethod<&CudaPipelineObject::pointCloud>("pointCloud"), InstanceMethod<&CudaPipelineObject::close>("close")});
}

CudaPipelineObject::CudaPipelineObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<CudaPipelineObject>(info) {
  require(info.Env(), info.Length() == 1 && info[0].IsExternal(), "CudaPipeline: expected CudaPipeline.create() instead of new.");
  owner_ = *info[0].As<Napi::External<std::shared_ptr<Owner>>>().Data();
  mirrors_ = owner_->pipeline->mirrors();
  buffers_ = Napi::Persistent(exposeMirrors(info.Env(), mirrors_, owner_->options, owner_));
}

Napi::Value CudaPipelineObject::create(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const PipelineRequest request = readPipelineRequest(info);
  Napi::Object pinned = Napi::Object::New(env);
  for (std::size_t i = 1; i < info.Length(); ++i) pinned.Set(static_cast<std::uint32_t>(i), info[i]);
  auto construct = std::make_shared<Napi::FunctionReference>(Napi::Persistent(info.This().As<Napi::Function>()));
  auto* job = new Job<std::shared_ptr<Owner>>(
      env, std::make_shared<Gate>(), pinned,
      [request] {
        auto pipeline = std::make_unique<cuda::Pipeline>(request.options, request.map, request.encoder, request.update);
        return std::make_shared<Owner>(Owner{request.options.state, std::move(pipeline)});
      },
      [construct](Napi::Env e, const std::shared_ptr<Owner>& owner) -> Napi::Value {
        auto held = owner;
        return construct->New({Napi::External<std::shared_ptr<Owner>>::New(e, &held)});
      });
  job->Queue();
  return job->promise();
}

Napi::Value CudaPipelineObject::memory(const Napi::CallbackInfo& info) {
  const cuda::MemoryUse use = cuda::memoryUse();
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("device", static_cast<double>(use.device));
  out.Set("pinned", static_cast<double>(use.pinned));
  out.Set("peakDevice", static_cast<double>(use.peakDevice));
  out.Set("peakPinned", static_cast<double>(use.peakPinned));
  return out;
}

Napi::Value CudaPipelineObject::buffers(const Napi::CallbackInfo&) { return buffers_.Value(); }

void CudaPipelineObject::enter(Napi::Env env) const {
  if (gate_->closed) throw codedError(env, "QPVO_CLOSED", "the odometry is closed: create another one.");
  if (gate_->busy) throw codedError(env, "QPVO_BUSY", "one call at a time: await the previous one first.");
}

template <typename Work>
Napi::Value CudaPipelineObject::give(Napi::Env env, Work&& work) {
  try {
    work(*owner_->pipeline);
  } catch (const Error& error) {
    throw codedError(env, error.code(), error.what());
  } catch (const std::exception& error) {
    throw codedError(env, "QPVO_INTERNAL", error.what());
  }
  return env.Undefined();
}

Napi::Value CudaPipelineObject::prepareImage(const Napi::CallbackInfo& info) {
  enter(info.Env());
  const ImageView image = readImage(info);
  return give(info.Env(), [&](cuda::Pipeline& pipeline) { pipeline.prepareImage(image); });
}

Napi::Value CudaPipelineObject::samplePatches(const Napi::CallbackInfo& info) {
  enter(info.Env());
  const SampleArguments a = readSampleArguments(info, owner_->options);
  return give(info.Env(), [&](cuda::Pipeline& pipeline) { pipeline.samplePatches(a.slot, a.seed, a.sequence, a.selection, a.inverseDepth, a.area); });
}

Napi::Value CudaPipelineObject::setPose(const Napi::CallbackInfo& info) {
  enter(info.Env());
  const int slot = readSlot(info, 0, owner_->options);
  return give(info.Env(), [&](cuda::Pipeline& pipeline) { pipeline.setPose(slot); });
}

Napi::Value CudaPipelineObject::setInverseDepths(const Napi::CallbackInfo& info) {
  enter(info.Env());
  const int slot = readSlot(info, 0, owner_->options);
  return give(info.Env(), [&](cuda::Pipeline& pipeline) { pipeline.setInverseDepths(slot); });
}

Napi::Value CudaPipelineObject::encode(const Napi::CallbackInfo& info) {
  enter(info.Env());
  return give(info.Env(), [](cuda::Pipeline& pipeline) { pipeline.encode(); });
}

Napi::Value CudaPipelineObject::insertFrame(const Napi::CallbackInfo& info) {
  enter(info.Env());
  const int slot = readSlot(info, 0, owner_->options);
  return give(info.Env(), [&](cuda::Pipeline& pipeline) { pipeline.insertFrame(slot); });
}

Napi::Value CudaPipelineObject::correlate(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  enter(env);
  const int count = readPairCount(env, info[0], owner_->options, mirrors_.pairSource, mirrors_.pairTarget);
  give(env, [&](cuda::Pipeline& pipeline) { pipeline.correlate(count); });
  pairs_ = count;
  return env.Undefined();
}

void CudaPipelineObject::requirePairs(Napi::Env env, const Napi::Value& count) const { integer(env, count, "pair count (that of the last correlate)", pairs_, pairs_); }

Napi::Value CudaPipelineObject::update(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  enter(env);
  require(env, info.Length() == 1 && info[0].IsObject(), "update: expected (pairs).");
  const auto pairs = info[0].As<Napi::Object>();
  requirePairs(env, pairs.Get("count"));
  const network::PairTable table{pairs_, indices(env, pairs, "source", pairs_), indices(env, pairs, "previous", pairs_), indices(env, pairs, "next", pairs_)};
  return give(env, [&](cuda::Pipeline& pipeline) { pipeline.update(table); });
}

Napi::Value CudaPipelineObject::swapHidden(const Napi::CallbackInfo& info) {
  enter(info.Env());
  return give(info.Env(), [](cuda::Pipeline& pipeline) { pipeline.swapHidden(); });
}

Napi::Value CudaPipelineObject::moveHidden(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  enter(env);
  const int last = owner_->options.maxPairs - 1, from = integer(env, info[0], "pair", 0, last), to = integer(env, info[1], "pair", 0, last);
  return give(env, [&](cuda::Pipeline& pipeline) { pipeline.moveHidden(from, to); });
}

Napi::Value CudaPipelineObject::clearHidden(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  enter(env);
  const int all = owner_->options.maxPairs, first = integer(env, info[0], "first pair", 0, all), count = integer(env, info[1], "pairs", 0, all - first);
  return give(env, [&](cuda::Pipeline& pipeline) { pipeline.clearHidden(first, count); });
}

Napi::Value CudaPipelineObject::bundleAdjust(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  enter(env);
  requirePairs(env, info[0]);
  const BundleAdjustOptions options = readBundleAdjustOptions(env, info[1], owner_->options, mirrors_.poseVariable);
  return give(env, [&](cuda::Pipeline& pipeline) { pipeline.bundleAdjust(options); });
}

void CudaPipelineObject::ask(Napi::Env env, const Napi::Object& questions) {
  require(env, questions.Get("health").IsArray() && questions.Get("flows").IsArray(), "readBack: expected {pairs, health: [...], flows: [...]}.");
  const auto health = questions.Get("health").As<Napi::Array>(), flows = questions.Get("flows").As<Napi::Array>();
  for (std::uint32_t i = 0; i < health.Length(); ++i) {
    const Napi::Value value = health.Get(i);
    require(env, value.IsObject(), "readBack: expected questions about health as objects.");
    const auto q = value.As<Napi::Object>();
    requirePairs(env, q.Get("pairCount"));
    const std::uint8_t* flags = readFlags(env, q.Get("flags"), pairs_);
    const float inlier = floatOf(env, q, "inlierThreshold"), confidence = floatOf(env, q, "minConfidence"), margin = floatOf(env, q, "margin");
    give(env, [&](cuda::Pipeline& pipeline) { pipeline.askHealth(pairs_, flags, inlier, confidence, margin); });
  }
  for (std::uint32_t i = 0; i < flows.Length(); ++i) {
    const Napi::Value value = flows.Get(i);
    require(env, value.IsObject(), "readBack: expected questions about flow as objects.");
    const auto q = value.As<Napi::Object>();
    const int last = owner_->options.ringSlots - 1, source = integerOf(env, q, "source", 0, last), target = integerOf(env, q, "target", 0, last);
    const float beta = floatOf(env, q, "beta");
    give(env, [&](cuda::Pipeline& pipeline) { pipeline.askFlow(source, target, beta); });
  }
}

Napi::Value CudaPipelineObject::readBack(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  enter(env);
  require(env, info.Length() == 1 && info[0].IsObject(), "readBack: expected (questions).");
  const auto questions = info[0].As<Napi::Object>();
  const int pairs = integerOf(env, questions, "pairs", 0, pairs_);
  ask(env, questions);
  Napi::Object pinned = Napi::Object::New(env);
  pinned.Set("self", info.This());
  auto* job = new Job<cuda::Answers>(
      env, gate_, pinned, [owner = owner_, pairs] { return owner->pipeline->readBack(pairs); },
      [](Napi::Env e, const cuda::Answers& answers) {
        Napi::Object out = Napi::Object::New(e);
        out.Set("solved", answers.adjusted.solved);
        out.Set("validEdges", answers.adjusted.validEdges);
        Napi::Array health = Napi::Array::New(e, answers.health.size()), flows = Napi::Array::New(e, answers.flows.size());
        for (std::uint32_t i = 0; i < answers.health.size(); ++i) health.Set(i, healthObject(e, answers.health[i]));
        for (std::uint32_t i = 0; i < answers.flows.size(); ++i) flows.Set(i, flowObject(e, answers.flows[i]));
        out.Set("health", health);
        out.Set("flows", flows);
        return out;
      });
  gate_->busy = true;
  job->Queue();
  return job->promise();
}

Napi::Value CudaPipelineObject::readView(const Napi::CallbackInfo& info) {
  enter(info.Env());
  return give(info.Env(), [&](cuda::Pipeline& pipeline) {
    pipeline.readView();
    pipeline.readBack(pairs_);
  });
}

Napi::Value CudaPipelineObject::pointCloud(const Napi::CallbackInfo& info) {
  enter(info.Env());
  const std::size_t floats = static_cast<std::size_t>(owner_->options.patches) * 3;
  auto points = Napi::Float32Array::New(info.Env(), floats);
  const float* first = mirrors_.points + static_cast<std::size_t>(readSlot(info, 0, owner_->options)) * floats;
  std::copy(first, first + floats, points.Data());
  return points;
}

Napi::Value CudaPipelineObject::close(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (gate_->busy) throw codedError(env, "QPVO_BUSY", "one call at a time: await the previous one before close().");
  if (gate_->closed) return closing_.Value();
  gate_->closed = true;
  // The arrays end before their memory does.
  const Napi::Object buffers = buffers_.Value();
  const Napi::Array names = buffers.GetPropertyNames();
  for (std::uint32_t i = 0; i < names.Length(); ++i) {
    const Napi::Value value = buffers.Get(names.Get(i));
    if (value.IsTypedArray()) value.As<Napi::TypedArray>().ArrayBuffer().Detach();
  }
  // Waiting for the GPU and giving its memory back takes a while: not on the JavaScript thread.
  Napi::Object pinned = Napi::Object::New(env);
  pinned.Set("self", info.This());
  auto* job = new Job<bool>(
      env, gate_, pinned,
      [owner = owner_] {
        owner->pipeline.reset();
        return true;
      },
      [](Napi::Env e, bool) { return e.Undefined(); });
  closing_ = Napi::Persistent(job->promise().As<Napi::Object>());
  job->Queue();
  return closing_.Value();
}

}  // namespace qpvo::addon
