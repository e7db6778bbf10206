// SPDX-License-Identifier: MIT
#pragma once

#include <napi.h>

#include "qpvo/ops.hpp"

// Arguments that the ops take on every device, checked as far as memory depends on them.

namespace qpvo::addon {

/// Those of every device.
Options readOptions(Napi::Env env, const Napi::Object& options);

/// With those of the CPU alone.
Options readCpuOptions(Napi::Env env, const Napi::Object& options);

/// The memory of an undistortion map of the size that the options ask for.
const float* readUndistortMap(Napi::Env env, const Napi::Value& map, const Options& options);

/// The five arguments (data, width, height, channels, step); borrows the data.
ImageView readImage(const Napi::CallbackInfo& info);

/// Five arguments (slot, seed, sequence, selection, inverse depth), then the area.
struct SampleArguments {
  int slot;
  std::uint64_t seed, sequence;
  Selection selection;
  float inverseDepth;
  CellArea area;
};
SampleArguments readSampleArguments(const Napi::CallbackInfo& info, const Options& options);

int readSlot(const Napi::CallbackInfo& info, std::size_t argument, const Options& options);

/// A count of pairs whose ring slots are all there.
int readPairCount(Napi::Env env, const Napi::Value& count, const Options& options, const std::int32_t* source, const std::int32_t* target);

/// Options of a bundle adjustment whose pose variables are all there.
BundleAdjustOptions readBundleAdjustOptions(Napi::Env env, const Napi::Value& value, const Options& options, const std::int32_t* poseVariable);

/// The memory of a flag per pair.
const std::uint8_t* readFlags(Napi::Env env, const Napi::Value& flags, int pairs);

Napi::Object healthObject(Napi::Env env, const Health& health);
Napi::Object flowObject(Napi::Env env, const Flow& flow);

}  // namespace qpvo::addon
