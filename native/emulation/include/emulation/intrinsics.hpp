// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "block.hpp"

namespace qpvo::emulation {

/// Of one lane: what it gives, which lane's value it wants, what it gets.
template <class T>
struct Exchange {
  T value;
  int from;
  T result;
};

template <class T>
void exchange(void* const* lanes) {
  for (int lane = 0; lane < warpSize; ++lane) {
    auto& mine = *static_cast<Exchange<T>*>(lanes[lane]);
    mine.result = static_cast<const Exchange<T>*>(lanes[mine.from])->value;
  }
}

struct Vote {
  bool value;
  unsigned result;
};
void vote(void* const* lanes);

void requireAllLanes(unsigned mask);

template <class T>
T shuffle(unsigned mask, T value, int from, const Site& site) {
  requireAllLanes(mask);
  Exchange<T> mine{value, from, value};
  collective("shuffle", site, &mine, exchange<T>);
  return mine.result;
}

inline unsigned ballot(unsigned mask, bool value, const Site& site) {
  requireAllLanes(mask);
  Vote mine{value, 0};
  collective("vote", site, &mine, vote);
  return mine.result;
}

inline int lane() { return static_cast<int>(threadIdx.x) % warpSize; }

}  // namespace qpvo::emulation

#define QPVO_SITE const qpvo::emulation::Site &site = qpvo::emulation::Site::current()

// Of warps of 32 lanes; a lane outside the width gives a lane its own value.
template <class T>
T __shfl_sync(unsigned mask, T value, int from, int width = warpSize, QPVO_SITE) {
  const int lane = qpvo::emulation::lane();
  return qpvo::emulation::shuffle(mask, value, lane / width * width + (from & (width - 1)), site);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int with, int width = warpSize, QPVO_SITE) {
  const int lane = qpvo::emulation::lane(), from = lane ^ with;
  return qpvo::emulation::shuffle(mask, value, from / width <= lane / width ? from : lane, site);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned by, int width = warpSize, QPVO_SITE) {
  const int lane = qpvo::emulation::lane(), from = lane + static_cast<int>(by);
  return qpvo::emulation::shuffle(mask, value, from / width == lane / width ? from : lane, site);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned by, int width = warpSize, QPVO_SITE) {
  const int lane = qpvo::emulation::lane(), from = lane - static_cast<int>(by);
  return qpvo::emulation::shuffle(mask, value, from >= lane / width * width ? from : lane, site);
}
inline unsigned __ballot_sync(unsigned mask, int value, QPVO_SITE) { return qpvo::emulation::ballot(mask, value != 0, site); }
inline int __any_sync(unsigned mask, int value, QPVO_SITE) { return qpvo::emulation::ballot(mask, value != 0, site) != 0; }
inline int __all_sync(unsigned mask, int value, QPVO_SITE) { return qpvo::emulation::ballot(mask, value != 0, site) == ~0u; }
inline void __syncwarp(unsigned mask = ~0u, QPVO_SITE) { qpvo::emulation::ballot(mask, false, site); }
#undef QPVO_SITE

inline void __threadfence() {}
inline void __threadfence_block() {}

// Threads run one at a time, so a read and a write are one operation.
template <class T, class V>
T atomicAdd(T* at, V value) {
  static_assert(!std::is_floating_point_v<T>, "sums of floats in an order of chance differ from run to run");
  const T old = *at;
  *at = static_cast<T>(old + static_cast<T>(value));
  return old;
}
template <class T, class V>
T atomicMax(T* at, V value) {
  const T old = *at;
  if (static_cast<T>(value) > old) *at = static_cast<T>(value);
  return old;
}
template <class T, class V>
T atomicMin(T* at, V value) {
  const T old = *at;
  if (static_cast<T>(value) < old) *at = static_cast<T>(value);
  return old;
}
template <class T, class V>
T atomicOr(T* at, V value) {
  const T old = *at;
  *at = old | static_cast<T>(value);
  return old;
}
template <class T, class V>
T atomicAnd(T* at, V value) {
  const T old = *at;
  *at = old & static_cast<T>(value);
  return old;
}
template <class T, class V>
T atomicExch(T* at, V value) {
  const T old = *at;
  *at = static_cast<T>(value);
  return old;
}
template <class T>
T atomicCAS(T* at, T expected, T value) {
  const T old = *at;
  if (old == expected) *at = value;
  return old;
}

template <class T>
T __ldg(const T* at) {
  return *at;
}
template <class T>
T __ldcs(const T* at) {
  return *at;
}

inline int __popc(unsigned bits) { return std::popcount(bits); }
inline int __popcll(unsigned long long bits) { return std::popcount(bits); }
inline int __clz(int bits) { return std::countl_zero(static_cast<unsigned>(bits)); }
inline int __ffs(int bits) { return bits == 0 ? 0 : std::countr_zero(static_cast<unsigned>(bits)) + 1; }
inline int __float_as_int(float value) { return std::bit_cast<int>(value); }
inline unsigned __float_as_uint(float value) { return std::bit_cast<unsigned>(value); }
inline float __int_as_float(int bits) { return std::bit_cast<float>(bits); }
inline float __uint_as_float(unsigned bits) { return std::bit_cast<float>(bits); }
inline long long __double_as_longlong(double value) { return std::bit_cast<long long>(value); }
inline double __longlong_as_double(long long bits) { return std::bit_cast<double>(bits); }

// Bytes of y:x chosen by the low three bits of each half-byte of the selector.
inline unsigned __byte_perm(unsigned x, unsigned y, unsigned selector) {
  const std::uint64_t bytes = std::uint64_t{y} << 32 | x;
  unsigned result = 0;
  for (int i = 0; i < 4; ++i) result |= static_cast<unsigned>(bytes >> (8 * (selector >> (4 * i) & 7)) & 0xff) << (8 * i);
  return result;
}
inline int __dp4a(int a, int b, int sum) {
  for (int i = 0; i < 4; ++i) sum += static_cast<std::int8_t>(a >> (8 * i)) * static_cast<std::int8_t>(b >> (8 * i));
  return sum;
}
inline unsigned __dp4a(unsigned a, unsigned b, unsigned sum) {
  for (int i = 0; i < 4; ++i) sum += (a >> (8 * i) & 0xff) * (b >> (8 * i) & 0xff);
  return sum;
}

// Conversions of the GPU: what does not fit becomes the nearest integer that does, what is no number 0.
namespace qpvo::emulation {
template <class Integer, class Float>
Integer saturated(Float rounded) {
  if (std::isnan(rounded)) return 0;
  constexpr auto least = std::numeric_limits<Integer>::min(), most = std::numeric_limits<Integer>::max();
  if (rounded <= static_cast<Float>(least)) return least;
  return rounded >= static_cast<Float>(most) ? most : static_cast<Integer>(rounded);
}
}  // namespace qpvo::emulation
inline int __float2int_rn(float value) { return qpvo::emulation::saturated<int>(std::rint(value)); }
inline int __float2int_rd(float value) { return qpvo::emulation::saturated<int>(std::floor(value)); }
inline int __float2int_ru(float value) { return qpvo::emulation::saturated<int>(std::ceil(value)); }
inline int __float2int_rz(float value) { return qpvo::emulation::saturated<int>(std::trunc(value)); }
inline unsigned __float2uint_rn(float value) { return qpvo::emulation::saturated<unsigned>(std::rint(value)); }
inline unsigned __float2uint_rz(float value) { return qpvo::emulation::saturated<unsigned>(std::trunc(value)); }
inline int __double2int_rn(double value) { return qpvo::emulation::saturated<int>(std::rint(value)); }
inline int __double2int_rd(double value) { return qpvo::emulation::saturated<int>(std::floor(value)); }
inline int __double2int_rz(double value) { return qpvo::emulation::saturated<int>(std::trunc(value)); }
inline float __int2float_rn(int value) { return static_cast<float>(value); }
inline float __uint2float_rn(unsigned value) { return static_cast<float>(value); }
inline float __double2float_rn(double value) { return static_cast<float>(value); }

// Never contracted to a fused multiply-add (this code is compiled without contraction).
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __frcp_rn(float a) { return 1.0f / a; }
inline float __fsqrt_rn(float a) { return std::sqrt(a); }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dsub_rn(double a, double b) { return a - b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __ddiv_rn(double a, double b) { return a / b; }
inline double __dsqrt_rn(double a) { return std::sqrt(a); }
inline double __fma_rn(double a, double b, double c) { return std::fma(a, b, c); }
inline float rsqrtf(float a) { return 1.0f / std::sqrt(a); }
inline double rsqrt(double a) { return 1.0 / std::sqrt(a); }
inline float __saturatef(float a) { return a >= 0.0f ? (a <= 1.0f ? a : 1.0f) : 0.0f; }

#define QPVO_MIN_MAX(type)                                   \
  inline type min(type a, type b) { return b < a ? b : a; } \
  inline type max(type a, type b) { return a < b ? b : a; }
QPVO_MIN_MAX(int)
QPVO_MIN_MAX(unsigned)
QPVO_MIN_MAX(long)
QPVO_MIN_MAX(unsigned long)
QPVO_MIN_MAX(long long)
QPVO_MIN_MAX(unsigned long long)
#undef QPVO_MIN_MAX
inline float min(float a, float b) { return std::fmin(a, b); }
inline float max(float a, float b) { return std::fmax(a, b); }
inline double min(double a, double b) { return std::fmin(a, b); }
inline double max(double a, double b) { return std::fmax(a, b); }
