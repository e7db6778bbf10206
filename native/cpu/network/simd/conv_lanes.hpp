// SPDX-License-Identifier: MIT
#pragma once

// What convolutions need of the vectors of the instruction set this file is compiled for, and its multiply-add of quantized words.

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "../../simd/vector.hpp"
#include "conv_kernels.hpp"

namespace {

typedef M I;

inline I loadWords(const std::int32_t* p) {
  I v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

/// The larger of each; y where x is NaN.
inline V larger(V x, V y) {
#if defined(__AVX512F__)
  return (V)_mm512_maskz_max_ps(0xffff, (__m512)x, (__m512)y);
#elif defined(__AVX2__)
  return (V)_mm256_max_ps((__m256)x, (__m256)y);
#elif defined(__SSE2__)
  return (V)_mm_max_ps((__m128)x, (__m128)y);
#else
  return x > y ? x : y;
#endif
}

inline V smaller(V x, V y) {
#if defined(__AVX512F__)
  return (V)_mm512_maskz_min_ps(0xffff, (__m512)x, (__m512)y);
#elif defined(__AVX2__)
  return (V)_mm256_min_ps((__m256)x, (__m256)y);
#elif defined(__SSE2__)
  return (V)_mm_min_ps((__m128)x, (__m128)y);
#else
  return x < y ? x : y;
#endif
}

/// Zero for NaN.
inline V rectified(V x) { return larger(x, V{}); }

/// Exchanges rows and columns of W x W values, in blocks of H from 1 to W / 2.
template <int H = 1>
inline void transpose(V* a) {
  if constexpr (H < W) {
    I upper{}, lower{};
    for (int l = 0; l < W; ++l) {
      upper[l] = (l & H) == 0 ? l : W + l - H;
      lower[l] = (l & H) == 0 ? l + H : W + l;
    }
#pragma GCC unroll 16
    for (int i = 0; i < W; ++i) {
      if ((i & H) != 0) continue;
      const V x = a[i], y = a[i + H];
      a[i] = permute(x, y, upper);
      a[i + H] = permute(x, y, lower);
    }
    transpose<2 * H>(a);
  }
}

/// acc[l] += weights[l] * value, one fp32 channel of a word.
struct FloatWords {
  typedef float Word;
  typedef V Sum;
  static Sum from(const std::int32_t*) { return V{}; }
  static V weights(const void* p) { return load(static_cast<const float*>(p)); }
  static Sum add(Sum sum, Word value, V weights) { return sum + value * weights; }
  static V floats(Sum sum) { return sum; }
};

/// acc[l] += sum over the channels of a word of weights[l][channel] * value[channel], exact in 32 bits.
struct QuantizedWords {
  typedef std::int32_t Word;
  typedef I Sum;
  static Sum from(const std::int32_t* start) { return loadWords(start); }
  static I weights(const void* p) { return loadWords(static_cast<const std::int32_t*>(p)); }
  static V floats(Sum sum) { return __builtin_convertvector(sum, V); }

#if defined(__AVX512VNNI__)
  static constexpr int kChannels = 4, kOffset = 0;
  static Sum add(Sum sum, Word value, I weights) { return (I)_mm512_dpbusd_epi32((__m512i)sum, _mm512_set1_epi32(value), (__m512i)weights); }
#elif defined(__AVXVNNI__)
  static constexpr int kChannels = 4, kOffset = 0;
  static Sum add(Sum sum, Word value, I weights) { return (I)_mm256_dpbusd_avx_epi32((__m256i)sum, _mm256_set1_epi32(value), (__m256i)weights); }
#elif defined(__AVX512BW__)
  static constexpr int kChannels = 2, kOffset = 0;
  static Sum add(Sum sum, Word value, I weights) { return sum + (I)_mm512_madd_epi16(_mm512_set1_epi32(value), (__m512i)weights); }
#elif defined(__AVX2__)
  static constexpr int kChannels = 2, kOffset = 0;
  static Sum add(Sum sum, Word value, I weights) { return sum + (I)_mm256_madd_epi16(_mm256_set1_epi32(value), (__m256i)weights); }
#elif defined(__SSE2__)
  static constexpr int kChannels = 2, kOffset = 0;
  static Sum add(Sum sum, Word value, I weights) { return sum + (I)_mm_madd_epi16(_mm_set1_epi32(value), (__m128i)weights); }
#elif defined(__ARM_FEATURE_DOTPROD)
  // Signed by signed: values are stored less 128, the sums begin at 128 times the sum of the weights.
  static constexpr int kChannels = 4, kOffset = -128;
  static Sum add(Sum sum, Word value, I weights) {
    return (I)vdotq_s32((int32x4_t)sum, (int8x16_t)weights, (int8x16_t)vdupq_n_s32(value));
  }
#else
  static constexpr int kChannels = 2, kOffset = 0;
  static Sum add(Sum sum, Word value, I weights) { return sum + (weights << 16 >> 16) * (value & 0xffff) + (weights >> 16) * (value >> 16); }
#endif
};

}  // namespace
