// SPDX-License-Identifier: MIT
#include "CpuOpsObject.hpp"

#include <climits>

#include "arguments.hpp"

namespace qpvo::addon {

namespace {

Options readOptions(Napi::Env env, const Napi::Object& o) {
  Options options{};
  options.channels = integerOf(env, o, "channels", 1, 3);
  require(env, options.channels != 2, "channels: expected 1 or 3, but received 2.");
  options.width = integerOf(env, o, "width", 32, 8192);
  options.height = integerOf(env, o, "height", 32, 8192);
  require(env, options.width % 16 == 0 && options.height % 16 == 0, "width, height: expected multiples of 16.");
  options.recordedWidth = integerOf(env, o, "recordedWidth", 2, 32768);
  options.recordedHeight = integerOf(env, o, "recordedHeight", 2, 32768);
  options.supersamples = integerOf(env, o, "supersamples", 1, 64);
  options.featureDim = integerOf(env, o, "featureDim", 16, 1024);
  require(env, options.featureDim % 16 == 0, "featureDim: expected a multiple of 16.");
  options.hiddenDim = integerOf(env, o, "hiddenDim", 1, 4096);
  options.patches = integerOf(env, o, "patches", 1, 1024);
  options.ringSlots = integerOf(env, o, "ringSlots", 2, 256);
  options.maxPairs = integerOf(env, o, "maxPairs", 1, 16384);
  options.threads = integerOf(env, o, "threads", 1, 256);
  options.scale = floatOf(env, o, "scale");
  options.offset = floatOf(env, o, "offset");
  options.fx = floatOf(env, o, "fx");
  options.fy = floatOf(env, o, "fy");
  options.cx = floatOf(env, o, "cx");
  options.cy = floatOf(env, o, "cy");
  return options;
}

BundleAdjustOptions readBundleAdjustOptions(Napi::Env env, const Napi::Object& o, int ringSlots) {
  return {integerOf(env, o, "freePoses", 0, ringSlots), integerOf(env, o, "iterations", 1, 100), floatOf(env, o, "depthDamping"),
          floatOf(env, o, "poseDamping"),               floatOf(env, o, "poseDampingRelative"),   floatOf(env, o, "maxResidual"),
          floatOf(env, o, "margin"),                    floatOf(env, o, "minDepth"),              floatOf(env, o, "maxInverseDepth"),
          floatOf(env, o, "resetInverseDepth"),         floatOf(env, o, "minInverseDepth")};
}

struct StateRequest {
  Options options;
  const float* map;
};

StateRequest readStateRequest(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  require(env, info.Length() == 2 && info[0].IsObject() && info[1].IsTypedArray(), "CpuOps: expected (options, undistortion map).");
  const Options options = readOptions(env, info[0].As<Napi::Object>());
  const auto map = info[1].As<Napi::Float32Array>();
  require(env, map.TypedArrayType() == napi_float32_array && map.ElementLength() == static_cast<std::size_t>(options.width) * options.height * options.supersamples * 2,
          "undistortion map: expected Float32Array of height x width x supersamples x 2.");
  return {options, map.Data()};
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
  return DefineClass(env, "CpuOps",
                     {StaticMethod<&CpuOpsObject::create>("create"), InstanceAccessor<&CpuOpsObject::buffers>("buffers"), InstanceMethod<&CpuOpsObject::prepareImage>("prepareImage"),
                      InstanceMethod<&CpuOpsObject::samplePatches>("samplePatches"), InstanceMethod<&CpuOpsObject::insertFrame>("insertFrame"),
                      InstanceMethod<&CpuOpsObject::correlate>("correlate"), InstanceMethod<&CpuOpsObject::bundleAdjust>("bundleAdjust"),
                      InstanceMethod<&CpuOpsObject::assessHealth>("assessHealth"), InstanceMethod<&CpuOpsObject::flowMagnitude>("flowMagnitude"),
                      InstanceMethod<&CpuOpsObject::pointCloud>("pointCloud"), InstanceMethod<&CpuOpsObject::close>("close")});
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

int CpuOpsObject::slot(const Napi::CallbackInfo& info, std::size_t argument) const {
  return integer(info.Env(), info[argument], "slot", 0, state_->options.ringSlots - 1);
}

CellArea CpuOpsObject::cellArea(const Napi::CallbackInfo& info, std::size_t argument) const {
  const Napi::Env env = info.Env();
  require(env, info[argument].IsObject(), "area: expected {left, top, right, bottom}.");
  const auto area = info[argument].As<Napi::Object>();
  const int left = integerOf(env, area, "left", 1, state_->gridWidth - 2), top = integerOf(env, area, "top", 1, state_->gridHeight - 2);
  return {left, top, integerOf(env, area, "right", left, state_->gridWidth - 2), integerOf(env, area, "bottom", top, state_->gridHeight - 2)};
}

int CpuOpsObject::pairCount(const Napi::CallbackInfo& info, std::size_t argument) const {
  const int count = integer(info.Env(), info[argument], "pair count", 0, state_->options.maxPairs);
  for (int p = 0; p < count; ++p) {
    const bool inside = static_cast<unsigned>(state_->pairSource[p]) < static_cast<unsigned>(state_->options.ringSlots) &&
                        static_cast<unsigned>(state_->pairTarget[p]) < static_cast<unsigned>(state_->options.ringSlots);
    require(info.Env(), inside, "pair " + std::to_string(p) + ": expected ring slots, but received " + std::to_string(state_->pairSource[p]) + " -> " +
                                    std::to_string(state_->pairTarget[p]) + ".");
  }
  return count;
}

void CpuOpsObject::checkPoseVariables(Napi::Env env, int freePoses) const {
  for (int slot = 0; slot < state_->options.ringSlots; ++slot) {
    require(env, state_->poseVariable[slot] >= -1 && state_->poseVariable[slot] < freePoses, "pose variable of slot " + std::to_string(slot) + " out of range.");
  }
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
  const Napi::Env env = info.Env();
  enter(env);
  require(env, info.Length() == 5 && info[0].IsTypedArray(), "prepareImage: expected (data, width, height, channels, step).");
  const auto data = info[0].As<Napi::Uint8Array>();
  ImageView image{data.Data(), integer(env, info[1], "width", 1, 32768), integer(env, info[2], "height", 1, 32768), integer(env, info[3], "channels", 1, 3), 0};
  image.step = static_cast<std::size_t>(integer(env, info[4], "step", image.width * image.channels, INT_MAX));
  const std::size_t needed = image.step * (image.height - 1) + static_cast<std::size_t>(image.width) * image.channels;
  require(env, data.ElementLength() >= needed, "image data: expected " + std::to_string(needed) + " bytes, but received " + std::to_string(data.ElementLength()) + ".");
  return start(info, [state = state_, image] { qpvo::prepareImage(*state, image); });
}

Napi::Value CpuOpsObject::samplePatches(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  enter(env);
  const int target = slot(info, 0);
  const auto seed = static_cast<std::uint64_t>(info[1].ToNumber().Int64Value()), sequence = static_cast<std::uint64_t>(info[2].ToNumber().Int64Value());
  const Selection selection = info[3].ToString().Utf8Value() == "gradient" ? Selection::gradient : Selection::random;
  const float depth = info[4].ToNumber().FloatValue();
  const CellArea area = cellArea(info, 5);
  return start(info, [state = state_, target, seed, sequence, selection, depth, area] { qpvo::samplePatches(*state, target, seed, sequence, selection, depth, area); });
}

Napi::Value CpuOpsObject::insertFrame(const Napi::CallbackInfo& info) {
  enter(info.Env());
  const int target = slot(info, 0);
  return start(info, [state = state_, target] { qpvo::insertFrame(*state, target); });
}

Napi::Value CpuOpsObject::correlate(const Napi::CallbackInfo& info) {
  enter(info.Env());
  const int count = pairCount(info, 0);
  return start(info, [state = state_, count] { qpvo::correlate(*state, count); });
}

Napi::Value CpuOpsObject::bundleAdjust(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  enter(env);
  const int count = pairCount(info, 0);
  require(env, info[1].IsObject(), "bundleAdjust: expected (pair count, options).");
  const BundleAdjustOptions options = readBundleAdjustOptions(env, info[1].As<Napi::Object>(), state_->options.ringSlots);
  checkPoseVariables(env, options.freePoses);
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
  const int count = pairCount(info, 0);
  require(env, info[1].IsTypedArray() && info[1].As<Napi::Uint8Array>().ElementLength() >= static_cast<std::size_t>(count), "assessHealth: expected a flag per pair.");
  const std::uint8_t* flags = info[1].As<Napi::Uint8Array>().Data();
  const float inlier = info[2].ToNumber().FloatValue(), confidence = info[3].ToNumber().FloatValue(), margin = info[4].ToNumber().FloatValue();
  const Health health = qpvo::assessHealth(*state_, count, flags, inlier, confidence, margin);
  Napi::Object out = Napi::Object::New(env);
  out.Set("medianConfidence", health.medianConfidence);
  out.Set("residual", health.residual);
  out.Set("inlierShare", health.inlierShare);
  out.Set("edges", health.edges);
  return out;
}

Napi::Value CpuOpsObject::flowMagnitude(const Napi::CallbackInfo& info) {
  enter(info.Env());
  const Flow flow = qpvo::flowMagnitude(*state_, slot(info, 0), slot(info, 1), info[2].ToNumber().FloatValue());
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("mean", flow.mean);
  out.Set("parallax", flow.parallax);
  return out;
}

Napi::Value CpuOpsObject::pointCloud(const Napi::CallbackInfo& info) {
  enter(info.Env());
  auto points = Napi::Float32Array::New(info.Env(), static_cast<std::size_t>(state_->options.patches) * 3);
  qpvo::pointCloud(*state_, slot(info, 0), points.Data());
  return points;
}

Napi::Value CpuOpsObject::close(const Napi::CallbackInfo& info) {
  if (gate_->busy) throw codedError(info.Env(), "QPVO_BUSY", "one call at a time: await the previous one before close().");
  gate_->closed = true;
  return info.Env().Undefined();
}

}  // namespace qpvo::addon
