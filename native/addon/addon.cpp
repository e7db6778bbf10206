// SPDX-License-Identifier: MIT
#include <napi.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "../cpu/simd/kernels.hpp"
#include "CpuEncoderObject.hpp"
#include "CpuOpsObject.hpp"
#include "CpuUpdateObject.hpp"
#include "gpu.hpp"
#include "lending.hpp"

namespace {

/// Raised with every change of the surface described in src/native/addon.ts.
constexpr int kSurface = 11;

/// Image-sized blocks go back to the system when they are freed, instead of staying in the heap of whichever thread decoded the image: over thousands of images
/// those heaps fray and the process grows. Without glibc there is nothing to do.
void returnLargeBlocks(const Napi::CallbackInfo&) {
#if defined(__GLIBC__)
  constexpr int kImageBytes = 128 * 1024;
  mallopt(M_MMAP_THRESHOLD, kImageBytes);
#endif
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("surface", Napi::Number::New(env, kSurface));
  exports.Set("instructionSet", Napi::String::New(env, qpvo::simd::kernels().name));
  exports.Set("returnLargeBlocks", Napi::Function::New(env, returnLargeBlocks));
  exports.Set("CpuOps", qpvo::addon::CpuOpsObject::define(env));
  exports.Set("CpuEncoder", qpvo::addon::CpuEncoderObject::define(env));
  exports.Set("CpuUpdate", qpvo::addon::CpuUpdateObject::define(env));
  qpvo::addon::defineGpu(env, exports);
  qpvo::addon::defineLending(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(qpvo, init)
