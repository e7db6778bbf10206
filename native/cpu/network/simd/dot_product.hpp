// SPDX-License-Identifier: MIT
#pragma once

#include "../../simd/vector.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__ARM_FEATURE_DOTPROD)
#include <arm_neon.h>
#endif

// Four byte products per 32-bit lane, summed without saturation: acc[l] += sum over j of x[j] * w[4 l + j], with the stored activations x the same for all lanes.
// Activations are stored as unsigned bytes, except for the arm64 dot product, which takes signed ones (flipped by 0x80).

namespace {

/// M in memory, anywhere. Not copied bytewise: GCC would keep accumulators of the arm64 dot product in general registers and on the stack.
typedef int LooseM __attribute__((vector_size(W * 4), aligned(1), may_alias));

inline M loadInt(const int* p) { return *reinterpret_cast<const LooseM*>(p); }
inline void storeInt(int* p, M v) { *reinterpret_cast<LooseM*>(p) = v; }

#if defined(__AVX512VNNI__) || defined(__AVXVNNI__) || defined(__ARM_FEATURE_DOTPROD)

/// One instruction. Rows x vectors of accumulators that fit the registers.
#if defined(__AVX512VNNI__)
constexpr int kDotRows = 12, kDotVectors = 2;
#elif defined(__AVXVNNI__)
constexpr int kDotRows = 6, kDotVectors = 2;
#else
constexpr int kDotRows = 4, kDotVectors = 4;
#endif

typedef M DotWeights;
typedef M DotInputs;

inline DotWeights dotWeights(const signed char* p) { return *reinterpret_cast<const LooseM*>(p); }

inline DotInputs dotInputs(const unsigned char* p) {
#if defined(__ARM_FEATURE_DOTPROD)
  return reinterpret_cast<M>(vld1q_dup_u32(reinterpret_cast<const unsigned int*>(p)));
#else
  int four;
  __builtin_memcpy(&four, p, sizeof four);
  return M{} + four;
#endif
}

inline M dot(M acc, DotInputs x, DotWeights w) {
#if defined(__AVX512VNNI__)
  return reinterpret_cast<M>(_mm512_dpbusd_epi32(reinterpret_cast<__m512i>(acc), reinterpret_cast<__m512i>(x), reinterpret_cast<__m512i>(w)));
#elif defined(__AVXVNNI__)
  return reinterpret_cast<M>(_mm256_dpbusd_avx_epi32(reinterpret_cast<__m256i>(acc), reinterpret_cast<__m256i>(x), reinterpret_cast<__m256i>(w)));
#else
  return reinterpret_cast<M>(vdotq_s32(reinterpret_cast<int32x4_t>(acc), reinterpret_cast<int8x16_t>(x), reinterpret_cast<int8x16_t>(w)));
#endif
}

#else

/// Without one: bytes 0, 2 and bytes 1, 3 of each lane widened to pairs of 16 bits. A pair of products is at most 2 * 255 * 127, so nothing saturates.
typedef short Halves __attribute__((vector_size(W * 4)));
typedef unsigned short UnsignedHalves __attribute__((vector_size(W * 4)));
struct DotWeights {
  Halves even, odd;
};
typedef DotWeights DotInputs;

#if defined(__AVX512F__)
constexpr int kDotRows = 6, kDotVectors = 2;
#elif defined(__AVX2__)
constexpr int kDotRows = 3, kDotVectors = 2;
#else
constexpr int kDotRows = 2, kDotVectors = 2;
#endif

inline DotWeights dotWeights(const signed char* p) {
  Halves v;
  __builtin_memcpy(&v, p, sizeof v);
  return {static_cast<Halves>(v << 8) >> 8, v >> 8};
}

inline DotInputs dotInputs(const unsigned char* p) {
  int four;
  __builtin_memcpy(&four, p, sizeof four);
  const UnsignedHalves v = reinterpret_cast<UnsignedHalves>(M{} + four);
  return {reinterpret_cast<Halves>(v & 0xff), reinterpret_cast<Halves>(v >> 8)};
}

/// Sums of neighbouring products, as 32 bits.
inline M pairSums(Halves a, Halves b) {
#if defined(__AVX512BW__)
  return reinterpret_cast<M>(_mm512_madd_epi16(reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
#elif defined(__AVX2__)
  return reinterpret_cast<M>(_mm256_madd_epi16(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
#elif defined(__SSE2__)
  return reinterpret_cast<M>(_mm_madd_epi16(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(b)));
#else
  const M low = (reinterpret_cast<M>(a) << 16) >> 16, high = reinterpret_cast<M>(a) >> 16;
  return low * ((reinterpret_cast<M>(b) << 16) >> 16) + high * (reinterpret_cast<M>(b) >> 16);
#endif
}

inline M dot(M acc, DotInputs x, DotWeights w) { return acc + pairSums(x.even, w.even) + pairSums(x.odd, w.odd); }

#endif

#if defined(__ARM_FEATURE_DOTPROD)
constexpr int kZeroUnsigned = -128, kZeroSigned = 0;
#else
constexpr int kZeroUnsigned = 0, kZeroSigned = 128;
#endif

}  // namespace
