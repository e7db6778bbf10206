// SPDX-License-Identifier: MIT
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>

#include "conv_passes.hpp"

// Runs of neighbouring channels between memory and registers: fp32 in registers, fp32, fp16 or bytes in memory, in accesses as wide as the hardware has.

namespace qpvo::cuda::network::conv {

template <class T, int N>
struct alignas(N * sizeof(T) < 16 ? N * sizeof(T) : 16) Lump {
  T x[N];
};

template <int N>
__device__ __forceinline__ void load(float (&v)[N], const float* from) {
  const Lump<float, N> lump = *reinterpret_cast<const Lump<float, N>*>(from);
#pragma unroll
  for (int i = 0; i < N; ++i) v[i] = lump.x[i];
}

template <int N>
__device__ __forceinline__ void load(float (&v)[N], const __half* from) {
  const Lump<__half2, N / 2> lump = *reinterpret_cast<const Lump<__half2, N / 2>*>(from);
#pragma unroll
  for (int i = 0; i < N / 2; ++i) {
    const float2 two = __half22float2(lump.x[i]);
    v[2 * i] = two.x;
    v[2 * i + 1] = two.y;
  }
}

/// From 2^23 on the unit of fp32 is one, so whole numbers below 256 pass between bytes and floats by an addition, which is faster than a conversion.
constexpr float kUnitOne = 8388608.f;
constexpr unsigned kUnitOneBits = 0x4b000000u;

template <int N>
__device__ __forceinline__ void load(float (&v)[N], const std::uint8_t* from) {
  const Lump<unsigned, N / 4> lump = *reinterpret_cast<const Lump<unsigned, N / 4>*>(from);
#pragma unroll
  for (int i = 0; i < N; ++i) v[i] = __uint_as_float(kUnitOneBits | (lump.x[i / 4] >> (i % 4 * 8) & 0xffu)) - kUnitOne;
}

template <int N>
__device__ __forceinline__ void store(float* to, const float (&v)[N]) {
  Lump<float, N> lump;
#pragma unroll
  for (int i = 0; i < N; ++i) lump.x[i] = v[i];
  *reinterpret_cast<Lump<float, N>*>(to) = lump;
}

template <int N>
__device__ __forceinline__ void store(__half* to, const float (&v)[N]) {
  Lump<__half2, N / 2> lump;
#pragma unroll
  for (int i = 0; i < N / 2; ++i) lump.x[i] = __floats2half2_rn(v[2 * i], v[2 * i + 1]);
  *reinterpret_cast<Lump<__half2, N / 2>*>(to) = lump;
}

/// Values as quantized() leaves them.
template <int N>
__device__ __forceinline__ void store(std::uint8_t* to, const float (&v)[N]) {
  Lump<unsigned, N / 4> lump;
#pragma unroll
  for (int i = 0; i < N / 4; ++i) {
    unsigned word = __float_as_uint(v[4 * i + 3]) << 24;
#pragma unroll
    for (int k = 0; k < 3; ++k) word |= (__float_as_uint(v[4 * i + k]) & 0xffu) << (8 * k);
    lump.x[i] = word;
  }
  *reinterpret_cast<Lump<unsigned, N / 4>*>(to) = lump;
}

__device__ __forceinline__ void storeOne(float* to, float value) { *to = value; }
__device__ __forceinline__ void storeOne(__half* to, float value) { *to = __float2half_rn(value); }

/// x >= 0 in steps, to the nearest whole number, ties to even, at most 255; the number is the lowest byte of what is returned.
__device__ __forceinline__ float quantized(float x, float inverseStep) { return fminf(x * inverseStep, 255.f) + kUnitOne; }

/// Before a store as the elements that the next convolution takes: quantized where it multiplies bytes.
template <class Element, int N>
__device__ __forceinline__ void toElement(float (&v)[N], float inverseStep) {
  if constexpr (sizeof(Element) == 1) {
#pragma unroll
    for (int i = 0; i < N; ++i) v[i] = quantized(v[i], inverseStep);
  }
}

/// Values of `data` from element `at` on, bytes times `step`.
template <int N>
__device__ __forceinline__ void loadForm(float (&v)[N], const void* data, Form form, std::size_t at, float step) {
  if (form == Form::bytes) {
    load(v, static_cast<const std::uint8_t*>(data) + at);
#pragma unroll
    for (int i = 0; i < N; ++i) v[i] *= step;
  } else if (form == Form::halves) {
    load(v, static_cast<const __half*>(data) + at);
  } else {
    load(v, static_cast<const float*>(data) + at);
  }
}

/// The other way.
template <int N>
__device__ __forceinline__ void storeForm(void* data, Form form, std::size_t at, float (&v)[N], float inverseStep) {
  if (form == Form::bytes) {
    toElement<std::uint8_t>(v, inverseStep);
    store(static_cast<std::uint8_t*>(data) + at, v);
  } else if (form == Form::halves) {
    store(static_cast<__half*>(data) + at, v);
  } else {
    store(static_cast<float*>(data) + at, v);
  }
}

}  // namespace qpvo::cuda::network::conv
