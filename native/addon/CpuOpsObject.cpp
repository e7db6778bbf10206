// SPDX-License-Identifier: MIT
#include "CpuOpsObject.hpp"

#include "arguments.hpp"
#include "opsArguments.hpp"

namespace qpvo::addon {

namespace {

struct StateRequest {
  Options options;
  const float* map;
};

StateRequest readStateRequest(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  require(env, info.Length() == 2 && info[0].IsObject() && info[1].IsTypedArray(), "CpuOps: expected (options, undistortion map).");
  const Options options = readCpuOptions(env, info[0].As<Napi::Object>());
  return {options, readUndistortMap(env, info[1], options)};
}

std::shared_ptr<State> makeState(const StateRequest& request) {
  try {
    return std::make_shared<State>(request.options, request.map);
  } catch (const std::bad_alloc&) {
    throw Error("QPVO_INTERNAL", "out of memory for the odometry state: choose smaller windows, fewer patches or a smaller image.");
  }
}

/// A typed array over the state's own memory, which lives as long as the array does.
template <typename Array, typename T>
void expose(Napi::Env env, Napi::Object& out, const char* name, const std::shared_ptr<State>& state, AlignedBuffer<T>& buffer) {
  auto* owner = new std::shared_ptr<State>(state);
  const auto memory = Napi::ArrayBuffer::New(env, buffer.data(), buffer.size() * sizeof(T), [](Napi::Env, void*, std::shared_ptr<State>* held) { delete held; }, owner);
  out.Set(name, Array::New(env, buffer.size(), memory, 0));
}

}  // namespace

Napi::Function CpuOpsObject::define(Napi::Env env) {
  const Napi::Function type = DefineClass(env, "CpuOps",
                  {StaticMethod<&CpuOpsObject::create>("create"), InstanceAccessor<&CpuOpsObject::buffers>("buffers"), InstanceMethod<&CpuOpsObject::prepareImage>("prepareImage"),
                      InstanceMethod<&CpuOpsObject::samplePatches>("samplePatches"), InstanceMethod<&CpuOpsObject::insertFrame>("insertFrame"),
                      InstanceMethod<&CpuOpsObject::correlate>("correlate"), InstanceMethod<&CpuOpsObject::bundleAdjust>("bundleAdjust"),
                      InstanceMethod<&CpuOpsObject::assessHealth>("assessHealth"), InstanceMethod<&CpuOpsObject::flowMagnitude>("flowMagnitude"),
                      InstanceMethod<&CpuOpsObject::pointCloud>("pointCloud"), InstanceMethod<&CpuOpsObject::close>("close")});
  return withInstructionSets(type, ByteMaps::instructionSets());
}

CpuOpsObject::CpuOpsObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<CpuOpsObject>(info) {
  const Napi::Env env = info.Env();
  if (info.Length() == 1 && info[0].IsExternal()) {
    state_ = *info[0].As<Napi::External<std::shared_ptr<State>>>().Data();
  } else {
    const StateRequest request = readStateRequest(info);
    try {
      state_ = makeState(request);
    } catch (const Error& error) {
      throw codedError(env, error.code(), error.what());
    }
  }
  Napi::Object out = Napi::Object::New(env);
  State& s = *state_;
  expose<Napi::Float32Array>(env, out, "image", state_, s.image);
  expose<Napi::Int32Array>(env, out, "cells", state_, s.cells);
  expose<Napi::Float32Array>(env, out, "features", state_, s.features);
  expose<Napi::Float32Array>(env, out, "context", state_, s.context);
  expose<Napi::Float32Array>(env, out, "contextRing", state_, s.contextRing);
  expose<Napi::Float32Array>(env, out, "correlation", state_, s.correlation);
  expose<Napi::Uint8Array>(env, out, "correlationBytes", state_, s.correlationBytes);
  out.Set("correlationZero", s.byteMaps ? s.byteMaps->zero() : 0);
  expose<Napi::Float32Array>(env, out, "hiddenA", state_, s.hiddenA);
  expose<Napi::Float32Array>(env, out, "hiddenB", state_, s.hiddenB);
  expose<Napi::Float32Array>(env, out, "centre", state_, s.centre);
  expose<Napi::Float32Array>(env, out, "delta", state_, s.delta);
  expose<Napi::Float32Array>(env, out, "weight", state_, s.weight);
  expose<Napi::Int32Array>(env, out, "pairSource", state_, s.pairSource);
  expose<Napi::Int32Array>(env, out, "pairTarget", state_, s.pairTarget);
  expose<Napi::Int32Array>(env, out, "poseVariable", state_, s.poseVariable);
  expose<Napi::Float64Array>(env, out, "poses", state_, s.poses);
  expose<Napi::Float32Array>(env, out, "patchX", state_, s.patchX);
  expose<Napi::Float32Array>(env, out, "patchY", state_, s.patchY);
  expose<Napi::Float32Array>(env, out, "inverseDepth", state_, s.inverseDepth);
  expose<Napi::Float32Array>(env, out, "depthVariance", state_, s.depthHessian);
  expose<Napi::Float64Array>(env, out, "poseCovariance", state_, s.poseCovariance);
  expose<Napi::Uint8Array>(env, out, "colors", state_, s.colors);
  out.Set("patchStride", Napi::Number::New(env, s.patchStride));
  buffers_ = Napi::Persistent(out);
}

Napi::Value CpuOpsObject::create(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const StateRequest request = readStateRequest(info);
  Napi::Object pinned = Napi::Object::New(env);
  pinned.Set("map", info[1]);
  auto construct = std::make_shared<Napi::FunctionReference>(Napi::Persistent(info.This().As<Napi::Function>()));
  auto* job = new Job<std::shared_ptr<State>>(
      env, std::make_shared<Gate>(), pinned, [request] { return makeState(request); },
      [construct](Napi::Env e, const std::shared_ptr<State>& state) -> Napi::Value {
        auto held = state;
        return construct->New({Napi::External<std::shared_ptr<State>>::New(e, &held)});
      });
  job->Queue();
  return job->promise();
}

Napi::Value CpuOpsObject::buffers(const Napi::CallbackInfo&) { return buffers_.Value(); }

void CpuOpsObject::enter(Napi::Env env) const {
  if (gate_->closed) throw codedError(env, "QPVO_CLOSED", "the odometry is closed: create another one.");
  if (gate_->busy) throw codedError(env, "QPVO_BUSY", "one call at a time: await the previous one first.");
}

int CpuOpsObject::pairCount(const Napi::CallbackInfo& info) const {
  return readPairCount(info.Env(), info[0], state_->options, state_->pairSource.data(), state_->pairTarget.data());
}

template <typename Result>
Napi::Value CpuOpsObject::start(const Napi::CallbackInfo& info, typename Job<Result>::Work work, typename Job<Result>::Convert convert) {
  const Napi::Env env = info.Env();
  Napi::Object pinned = Napi::Object::New(env);
  pinned.Set("self", info.This());
  if (info.Length() > 0) pinned.Set("argument", info[0]);
  auto* job = new Job<Result>(env, gate_, pinned, std::move(work), std::move(convert));
  gate_->busy = true;
  job->Queue();
  return job->promise();
}

Napi::Value CpuOpsObject::start(const Napi::CallbackInfo& info, std::function<void()> work) {
  return start<bool>(info, [work = std::move(work)] { work(); return true; }, [](Napi::Env env, bool) { return env.Undefined(); });
}

Napi::Value CpuOpsObject::prepareImage(const Napi::CallbackInfo& info) {
  enter(info.Env());
  const ImageView image = readImage(info);
  return start(info, [state = state_, image] { qpvo::prepareImage(*state, image); });
}

Napi::Value CpuOpsObject::samplePatches(const Napi::CallbackInfo& info) {
  enter(info.Env());
  const SampleArguments a = readSampleArguments(info, state_->options);
  return start(info, [state = state_, a] { qpvo::samplePatches(*state, a.slot, a.seed, a.sequence, a.selection, a.inverseDepth, a.area); });
}

Napi::Value CpuOpsObject::insertFrame(const Napi::CallbackInfo& info) {
  enter(info.Env());
  const int target = readSlot(info, 0, state_->options);
  return start(info, [state = state_, target] { qpvo::insertFrame(*state, target); });
}

Napi::Value CpuOpsObject::correlate(const Napi::CallbackInfo& info) {
  enter(info.Env());
  const int count = pairCount(info);
  return start(info, [state = state_, count] { qpvo::correlate(*state, count); });
}

Napi::Value CpuOpsObject::bundleAdjust(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  enter(env);
  const int count = pairCount(info);
  const BundleAdjustOptions options = readBundleAdjustOptions(env, info[1], state_->options, state_->poseVariable.data());
  return start<BundleAdjustReport>(
      info, [state = state_, count, options] { return qpvo::bundleAdjust(*state, count, options); },
      [](Napi::Env e, const BundleAdjustReport& report) {
        Napi::Object out = Napi::Object::New(e);
        out.Set("solved", report.solved);
        out.Set("validEdges", report.validEdges);
        return out;
      });
}

Napi::Value CpuOpsObject::assessHealth(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  enter(env);
  const int count = pairCount(info);
  const std::uint8_t* flags = readFlags(env, info[1], count);
  const float inlier = info[2].ToNumber().FloatValue(), confidence = info[3].ToNumber().FloatValue(), margin = info[4].ToNumber().FloatValue();
  return healthObject(env, qpvo::assessHealth(*state_, count, flags, inlier, confidence, margin));
}

Napi::Value CpuOpsObject::flowMagnitude(const Napi::CallbackInfo& info) {
  enter(info.Env());
  const int source = readSlot(info, 0, state_->options), target = readSlot(info, 1, state_->options);
  return flowObject(info.Env(), qpvo::flowMagnitude(*state_, source, target, info[2].ToNumber().FloatValue()));
}

Napi::Value CpuOpsObject::pointCloud(const Napi::CallbackInfo& info) {
  enter(info.Env());
  auto points = Napi::Float32Array::New(info.Env(), static_cast<std::size_t>(state_->options.patches) * 3);
  qpvo::pointCloud(*state_, readSlot(info, 0, state_->options), points.Data());
  return points;
}

Napi::Value CpuOpsObject::close(const Napi::CallbackInfo& info) {
  if (gate_->busy) throw codedError(info.Env(), "QPVO_BUSY", "one call at a time: await the previous one before close().");
  gate_->closed = true;
  return info.Env().Undefined();
}

}  // namespace qpvo::addon
