// SPDX-License-Identifier: MIT
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>

// Eight neighbouring channels of a map or of the encoder's features, as floats and as they are stored.

namespace qpvo::cuda {

inline constexpr int kVector = 8;
inline constexpr float kByteSteps = 127;

struct Channels {
  float x[kVector];
};

__device__ __forceinline__ Channels loadChannels(const float* p) {
  const float4 a = reinterpret_cast<const float4*>(p)[0], b = reinterpret_cast<const float4*>(p)[1];
  return {{a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w}};
}

__device__ __forceinline__ Channels loadChannels(const __half* p) {
  const uint4 words = *reinterpret_cast<const uint4*>(p);
  const __half2* pairs = reinterpret_cast<const __half2*>(&words);
  Channels c;
#pragma unroll
  for (int i = 0; i < kVector / 2; ++i) {
    const float2 pair = __half22float2(pairs[i]);
    c.x[2 * i] = pair.x;
    c.x[2 * i + 1] = pair.y;
  }
  return c;
}

/// perValue: stored steps per unit, for bytes alone.
__device__ __forceinline__ void storeChannels(float* p, const Channels& c, float) {
  reinterpret_cast<float4*>(p)[0] = make_float4(c.x[0], c.x[1], c.x[2], c.x[3]);
  reinterpret_cast<float4*>(p)[1] = make_float4(c.x[4], c.x[5], c.x[6], c.x[7]);
}

__device__ __forceinline__ void storeChannels(__half* p, const Channels& c, float) {
  uint4 words;
  __half2* pairs = reinterpret_cast<__half2*>(&words);
#pragma unroll
  for (int i = 0; i < kVector / 2; ++i) pairs[i] = __floats2half2_rn(c.x[2 * i], c.x[2 * i + 1]);
  *reinterpret_cast<uint4*>(p) = words;
}

__device__ __forceinline__ void storeChannels(std::int8_t* p, const Channels& c, float perValue) {
  unsigned words[2] = {};
#pragma unroll
  for (int i = 0; i < kVector; ++i) {
    const int step = static_cast<int>(fminf(fmaxf(rintf(c.x[i] * perValue), -kByteSteps), kByteSteps));
    words[i / 4] |= static_cast<unsigned>(step & 0xff) << (8 * (i % 4));
  }
  *reinterpret_cast<uint2*>(p) = make_uint2(words[0], words[1]);
}

}  // namespace qpvo::cuda
