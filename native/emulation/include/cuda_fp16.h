// SPDX-License-Identifier: MIT
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

// Half precision as storage: arithmetic is in fp32, so nothing but conversions is here.

namespace qpvo::emulation {

float halfToFloat(std::uint16_t bits);
/// To the nearest, ties to even; beyond 65504 infinite; subnormals kept.
std::uint16_t floatToHalf(float value);

}  // namespace qpvo::emulation

struct __half_raw {
  unsigned short x;
};
struct __half {
  std::uint16_t bits;
  __half() = default;
  __half(const __half_raw& raw) : bits(raw.x) {}
  explicit __half(float value) : bits(qpvo::emulation::floatToHalf(value)) {}
  explicit operator float() const { return qpvo::emulation::halfToFloat(bits); }
};
struct alignas(4) __half2 {
  __half x, y;
  __half2() = default;
  __half2(__half low, __half high) : x(low), y(high) {}
};
using half = __half;
using half2 = __half2;

inline __half __float2half(float value) { return __half(value); }
inline __half __float2half_rn(float value) { return __half(value); }
inline float __half2float(__half value) { return static_cast<float>(value); }
inline __half __ushort_as_half(unsigned short bits) {
  __half value;
  value.bits = bits;
  return value;
}
inline unsigned short __half_as_ushort(__half value) { return value.bits; }
inline __half2 __floats2half2_rn(float low, float high) { return {__half(low), __half(high)}; }
inline __half2 __float22half2_rn(float2 value) { return {__half(value.x), __half(value.y)}; }
inline __half2 __float2half2_rn(float value) { return {__half(value), __half(value)}; }
inline __half2 __halves2half2(__half low, __half high) { return {low, high}; }
inline __half2 make_half2(__half low, __half high) { return {low, high}; }
inline float2 __half22float2(__half2 value) { return {static_cast<float>(value.x), static_cast<float>(value.y)}; }
inline __half __low2half(__half2 value) { return value.x; }
inline __half __high2half(__half2 value) { return value.y; }
inline float __low2float(__half2 value) { return static_cast<float>(value.x); }
inline float __high2float(__half2 value) { return static_cast<float>(value.y); }
