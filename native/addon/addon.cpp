// SPDX-License-Identifier: MIT
#include <napi.h>

#include "../cpu/simd/kernels.hpp"
#include "CpuOpsObject.hpp"
#include "lending.hpp"

namespace {

/// Raised with every change of the surface described in src/native/addon.ts.
constexpr int kSurface = 2;

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("surface", Napi::Number::New(env, kSurface));
  exports.Set("instructionSet", Napi::String::New(env, qpvo::simd::kernels().name));
  exports.Set("CpuOps", qpvo::addon::CpuOpsObject::define(env));
  qpvo::addon::defineLending(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(qpvo, init)
