// SPDX-License-Identifier: MIT
#include "opsArguments.hpp"

#include <climits>
#include <cmath>

#include "arguments.hpp"

namespace qpvo::addon {

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

Options readCpuOptions(Napi::Env env, const Napi::Object& o) {
  Options options = readOptions(env, o);
  const std::string correlation = o.Get("correlation").ToString().Utf8Value();
  require(env, correlation == "fp32" || correlation == "int8", "correlation: expected fp32 or int8, but received " + correlation + ".");
  options.byteMaps = correlation == "int8";
  require(env, o.Get("instructionSet").IsString(), "instructionSet: expected a name, or '' for the best one.");
  options.instructionSet = o.Get("instructionSet").As<Napi::String>();
  options.correlationScale = floatOf(env, o, "correlationScale");
  const bool fits = options.correlationScale == 0 || (options.byteMaps && options.correlationScale > 0 && std::isfinite(options.correlationScale));
  require(env, fits, "correlationScale: expected 0, or in int8 a positive number, but received " + o.Get("correlationScale").ToString().Utf8Value() + ".");
  return options;
}

const float* readUndistortMap(Napi::Env env, const Napi::Value& map, const Options& o) {
  const std::size_t needed = static_cast<std::size_t>(o.width) * o.height * o.supersamples * 2;
  const bool fits = map.IsTypedArray() && map.As<Napi::TypedArray>().TypedArrayType() == napi_float32_array && map.As<Napi::TypedArray>().ElementLength() == needed;
  require(env, fits, "undistortion map: expected Float32Array of height x width x supersamples x 2.");
  return map.As<Napi::Float32Array>().Data();
}

ImageView readImage(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  require(env, info.Length() == 5 && info[0].IsTypedArray(), "prepareImage: expected (data, width, height, channels, step).");
  const auto data = info[0].As<Napi::Uint8Array>();
  ImageView image{data.Data(), integer(env, info[1], "width", 1, 32768), integer(env, info[2], "height", 1, 32768), integer(env, info[3], "channels", 1, 3), 0};
  image.step = static_cast<std::size_t>(integer(env, info[4], "step", image.width * image.channels, INT_MAX));
  const std::size_t needed = image.step * (image.height - 1) + static_cast<std::size_t>(image.width) * image.channels;
  require(env, data.ElementLength() >= needed, "image data: expected " + std::to_string(needed) + " bytes, but received " + std::to_string(data.ElementLength()) + ".");
  return image;
}

SampleArguments readSampleArguments(const Napi::CallbackInfo& info, const Options& options) {
  const Napi::Env env = info.Env();
  const int slot = readSlot(info, 0, options);
  const auto seed = static_cast<std::uint64_t>(info[1].ToNumber().Int64Value()), sequence = static_cast<std::uint64_t>(info[2].ToNumber().Int64Value());
  const std::string name = info[3].ToString().Utf8Value();
  require(env, name == "random" || name == "gradient" || name == "mixed", "selection: expected random, gradient or mixed, but received " + name + ".");
  const Selection selection = name == "gradient" ? Selection::gradient : name == "mixed" ? Selection::mixed : Selection::random;
  const float depth = info[4].ToNumber().FloatValue();
  require(env, info[5].IsObject(), "area: expected {left, top, right, bottom}.");
  const auto area = info[5].As<Napi::Object>();
  const int lastX = options.width / 4 - 2, lastY = options.height / 4 - 2;
  const int left = integerOf(env, area, "left", 1, lastX), top = integerOf(env, area, "top", 1, lastY);
  return {slot, seed, sequence, selection, depth, {left, top, integerOf(env, area, "right", left, lastX), integerOf(env, area, "bottom", top, lastY)}};
}

int readSlot(const Napi::CallbackInfo& info, std::size_t argument, const Options& options) { return integer(info.Env(), info[argument], "slot", 0, options.ringSlots - 1); }

int readPairCount(Napi::Env env, const Napi::Value& value, const Options& options, const std::int32_t* source, const std::int32_t* target) {
  const int count = integer(env, value, "pair count", 0, options.maxPairs);
  const auto slots = static_cast<unsigned>(options.ringSlots);
  for (int p = 0; p < count; ++p) {
    require(env, static_cast<unsigned>(source[p]) < slots && static_cast<unsigned>(target[p]) < slots,
            "pair " + std::to_string(p) + ": expected ring slots, but received " + std::to_string(source[p]) + " -> " + std::to_string(target[p]) + ".");
  }
  return count;
}

BundleAdjustOptions readBundleAdjustOptions(Napi::Env env, const Napi::Value& value, const Options& options, const std::int32_t* poseVariable) {
  require(env, value.IsObject(), "bundleAdjust: expected (pair count, options).");
  const auto o = value.As<Napi::Object>();
  const BundleAdjustOptions read{integerOf(env, o, "freePoses", 0, options.ringSlots),
                                 integerOf(env, o, "iterations", 1, 100),
                                 floatOf(env, o, "depthDamping"),
                                 floatOf(env, o, "poseDamping"),
                                 floatOf(env, o, "poseDampingRelative"),
                                 floatOf(env, o, "maxResidual"),
                                 floatOf(env, o, "margin"),
                                 floatOf(env, o, "minDepth"),
                                 floatOf(env, o, "maxInverseDepth"),
                                 floatOf(env, o, "resetInverseDepth"),
                                 floatOf(env, o, "minInverseDepth")};
  for (int slot = 0; slot < options.ringSlots; ++slot) {
    require(env, poseVariable[slot] >= -1 && poseVariable[slot] < read.freePoses, "pose variable of slot " + std::to_string(slot) + " out of range.");
  }
  return read;
}

const std::uint8_t* readFlags(Napi::Env env, const Napi::Value& flags, int pairs) {
  require(env, flags.IsTypedArray() && flags.As<Napi::Uint8Array>().ElementLength() >= static_cast<std::size_t>(pairs), "assessHealth: expected a flag per pair.");
  return flags.As<Napi::Uint8Array>().Data();
}

Napi::Object healthObject(Napi::Env env, const Health& health) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("medianConfidence", health.medianConfidence);
  out.Set("residual", health.residual);
  out.Set("inlierShare", health.inlierShare);
  out.Set("edges", health.edges);
  return out;
}

Napi::Object flowObject(Napi::Env env, const Flow& flow) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("mean", flow.mean);
  out.Set("parallax", flow.parallax);
  return out;
}

}  // namespace qpvo::addon
