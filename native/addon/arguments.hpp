// SPDX-License-Identifier: MIT
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

#include "job.hpp"

namespace qpvo::addon {

inline void require(Napi::Env env, bool condition, const std::string& message) {
  if (!condition) throw codedError(env, "QPVO_INTERNAL", message);
}

/// Integer argument within [low, high].
inline int integer(Napi::Env env, const Napi::Value& value, const char* name, int low, int high) {
  const bool number = value.IsNumber();
  const double v = number ? value.As<Napi::Number>().DoubleValue() : 0;
  require(env, number && v == static_cast<double>(static_cast<long long>(v)) && v >= low && v <= high,
          std::string(name) + ": expected an integer from " + std::to_string(low) + " to " + std::to_string(high) + ", but received " + value.ToString().Utf8Value() + ".");
  return static_cast<int>(v);
}

inline int integerOf(Napi::Env env, const Napi::Object& object, const char* name, int low, int high) { return integer(env, object.Get(name), name, low, high); }

inline float floatOf(Napi::Env env, const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  require(env, value.IsNumber(), std::string(name) + ": expected a number, but received " + value.ToString().Utf8Value() + ".");
  return value.As<Napi::Number>().FloatValue();
}

/// The class with its property instructionSets.
inline Napi::Function withInstructionSets(Napi::Function type, const std::vector<std::string>& names) {
  const Napi::Array sets = Napi::Array::New(type.Env(), names.size());
  for (std::size_t i = 0; i < names.size(); ++i) sets.Set(static_cast<std::uint32_t>(i), names[i]);
  type.As<Napi::Object>().Set("instructionSets", sets);
  return type;
}

}  // namespace qpvo::addon
