// SPDX-License-Identifier: MIT
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__ARM_FEATURE_DOTPROD)
#include <arm_neon.h>
#endif

// Four byte products per 32-bit lane, summed without saturation: acc[l] += sum over j of map[4 l + j] * patch[j]. The map's bytes are stored unsigned, 128 too much, except
// for the arm64 dot product, which takes signed ones. A row of the 8x8 window is kVectors vectors of L lanes.

namespace {

#if defined(__AVX2__)
constexpr int L = 8;
#else
constexpr int L = 4;
#endif

typedef int Lanes __attribute__((vector_size(L * 4)));
typedef float FloatLanes __attribute__((vector_size(L * 4)));
/// Lanes in memory, anywhere.
typedef int LooseLanes __attribute__((vector_size(L * 4), aligned(1), may_alias));

inline Lanes loadLanes(const void* p) { return *reinterpret_cast<const LooseLanes*>(p); }

/// Four channels of a patch pixel, the same for all lanes.
inline Lanes everyLane(const signed char* p) {
  int four;
  __builtin_memcpy(&four, p, sizeof four);
  return Lanes{} + four;
}

#if (defined(__AVX512VNNI__) && defined(__AVX512VL__)) || defined(__AVXVNNI__) || defined(__ARM_FEATURE_DOTPROD)

typedef Lanes PatchBytes;

inline PatchBytes patchBytes(const signed char* p) { return everyLane(p); }

inline Lanes dot(Lanes acc, Lanes map, PatchBytes patch) {
#if defined(__AVX512VNNI__)
  return reinterpret_cast<Lanes>(_mm256_dpbusd_epi32(reinterpret_cast<__m256i>(acc), reinterpret_cast<__m256i>(map), reinterpret_cast<__m256i>(patch)));
#elif defined(__AVXVNNI__)
  return reinterpret_cast<Lanes>(_mm256_dpbusd_avx_epi32(reinterpret_cast<__m256i>(acc), reinterpret_cast<__m256i>(map), reinterpret_cast<__m256i>(patch)));
#else
  return reinterpret_cast<Lanes>(vdotq_s32(reinterpret_cast<int32x4_t>(acc), reinterpret_cast<int8x16_t>(map), reinterpret_cast<int8x16_t>(patch)));
#endif
}

#else

/// Without an instruction for it: bytes 0, 2 and bytes 1, 3 of each lane widened to pairs of 16 bits. A pair of products is at most 2 * 255 * 127, so nothing saturates.
typedef short Halves __attribute__((vector_size(L * 4)));
typedef unsigned short UnsignedHalves __attribute__((vector_size(L * 4)));
struct PatchBytes {
  Halves even, odd;
};

inline PatchBytes patchBytes(const signed char* p) {
  const Halves v = reinterpret_cast<Halves>(everyLane(p));
  return {static_cast<Halves>(v << 8) >> 8, v >> 8};
}

/// Sums of neighbouring products, as 32 bits.
inline Lanes pairSums(Halves a, Halves b) {
#if defined(__AVX2__)
  return reinterpret_cast<Lanes>(_mm256_madd_epi16(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
#elif defined(__SSE2__)
  return reinterpret_cast<Lanes>(_mm_madd_epi16(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(b)));
#else
  const Lanes low = (reinterpret_cast<Lanes>(a) << 16) >> 16, high = reinterpret_cast<Lanes>(a) >> 16;
  return low * ((reinterpret_cast<Lanes>(b) << 16) >> 16) + high * (reinterpret_cast<Lanes>(b) >> 16);
#endif
}

inline Lanes dot(Lanes acc, Lanes map, const PatchBytes& patch) {
  const UnsignedHalves v = reinterpret_cast<UnsignedHalves>(map);
  return acc + pairSums(reinterpret_cast<Halves>(v & 0xff), patch.even) + pairSums(reinterpret_cast<Halves>(v >> 8), patch.odd);
}

#endif

#if defined(__ARM_FEATURE_DOTPROD)
constexpr int kZero = 0;
#else
constexpr int kZero = 128;
#endif

}  // namespace
