// SPDX-License-Identifier: MIT
#pragma once

#include "conv_kernels.hpp"
#include "conv_lanes.hpp"

// Pointwise work on rows of pixels: what stands between the sums of one convolution and the words of the next.

namespace {

using qpvo::conv::Element;
using qpvo::conv::FinishRow;
using qpvo::conv::kLanes;

typedef std::uint8_t Bytes __attribute__((vector_size(W)));
typedef std::int16_t Shorts __attribute__((vector_size(W * 2)));

// The masked forms of AVX-512 are the plain ones: GCC warns of undefined values inside of those.

inline V floatsOf(const std::uint8_t* p) {
  Bytes bytes;
  __builtin_memcpy(&bytes, p, sizeof bytes);
#if defined(__AVX512F__)
  return __builtin_convertvector((I)_mm512_maskz_cvtepu8_epi32(0xffff, (__m128i)bytes), V);
#elif defined(__AVX2__)
  return __builtin_convertvector((I)_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))), V);
#else
  return __builtin_convertvector(__builtin_convertvector(bytes, I), V);
#endif
}

/// Rounds x >= 0 to the nearest whole number, ties to even, at most 255.
inline I rounded(V x) {
  const V capped = smaller(x, splat(255.f));
#if defined(__AVX512F__)
  return (I)_mm512_maskz_cvtps_epi32(0xffff, (__m512)capped);
#elif defined(__AVX2__)
  return (I)_mm256_cvtps_epi32((__m256)capped);
#elif defined(__SSE2__)
  return (I)_mm_cvtps_epi32((__m128)capped);
#elif defined(__aarch64__)
  return (I)vcvtnq_s32_f32((float32x4_t)capped);
#else
  const V shifted = capped + splat(8388608.f);  // from 2^23 on the unit of fp32 is one
  I bits;
  __builtin_memcpy(&bits, &shifted, sizeof bits);
  return bits & 0xff;
#endif
}

/// Stores the low bytes.
inline void storeBytes(std::uint8_t* out, I values) {
#if defined(__AVX512F__)
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm512_maskz_cvtepi32_epi8(0xffff, (__m512i)values));
#elif defined(__AVX2__)
  const __m256i picked = _mm256_shuffle_epi8((__m256i)values, _mm256_set1_epi32(0x0c080400));
  const std::int32_t halves[2] = {_mm256_extract_epi32(picked, 0), _mm256_extract_epi32(picked, 4)};
  __builtin_memcpy(out, halves, sizeof halves);
#else
  const Bytes bytes = __builtin_convertvector(values, Bytes);
  __builtin_memcpy(out, &bytes, sizeof bytes);
#endif
}

/// Stores W quantized channels as the convolution wants them.
inline void storeQuantized(void* out, long at, I values) {
  if constexpr (QuantizedWords::kChannels == 4) {
    storeBytes(static_cast<std::uint8_t*>(out) + at, values + QuantizedWords::kOffset);
  } else {
#if defined(__AVX512F__)
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(static_cast<std::int16_t*>(out) + at), _mm512_maskz_cvtepi32_epi16(0xffff, (__m512i)values));
#elif defined(__AVX2__)
    const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32((__m256i)values, (__m256i)values), 0x08);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(static_cast<std::int16_t*>(out) + at), _mm256_castsi256_si128(packed));
#else
    const Shorts shorts = __builtin_convertvector(values, Shorts);
    __builtin_memcpy(static_cast<std::int16_t*>(out) + at, &shorts, sizeof shorts);
#endif
  }
}

enum class Shortcut { none, bytes, floats, projected };

template <Element E, Shortcut S, bool KEEP>
void finishRow(const FinishRow& task) {
  const FinishRow t = task;  // a copy that no store can change
  for (int c = 0; c < t.channels; c += W) {
    const V scale = load(t.scale + c), offset = load(t.offset + c);
    const V projectedScale = S == Shortcut::projected ? load(t.projectedScale + c) : V{};
    const V projectedOffset = S == Shortcut::projected ? load(t.projectedOffset + c) : V{};
    long at = c;
    for (int p = 0; p < t.pixels; ++p, at += t.channels) {
      V x = rectified(load(t.raw + at) * scale + offset);
      if constexpr (S == Shortcut::bytes) x += floatsOf(t.bytes + at) * t.bytesStep;
      if constexpr (S == Shortcut::floats) x = rectified(x + load(t.floats + at));
      if constexpr (S == Shortcut::projected) x = rectified(x + (load(t.projected + at) * projectedScale + projectedOffset));
      if constexpr (E == Element::fp32) {
        store(static_cast<float*>(t.out) + at, x);
        if constexpr (KEEP) store(static_cast<float*>(t.kept) + at, x);
      } else {
        const I q = rounded(x * t.inverseStep);
        storeQuantized(t.out, at, q);
        if constexpr (KEEP) storeBytes(static_cast<std::uint8_t*>(t.kept) + at, q);
      }
    }
  }
}

template <Element E, Shortcut S>
void finishKept(const FinishRow& t) {
  t.kept != nullptr ? finishRow<E, S, true>(t) : finishRow<E, S, false>(t);
}

template <Element E>
void finishElement(const FinishRow& t) {
  if (t.bytes != nullptr) return finishKept<E, Shortcut::bytes>(t);
  if (t.floats != nullptr) return finishKept<E, Shortcut::floats>(t);
  if (t.projected != nullptr) return finishKept<E, Shortcut::projected>(t);
  return finishKept<E, Shortcut::none>(t);
}

void finish(const FinishRow& t) { t.element == Element::fp32 ? finishElement<Element::fp32>(t) : finishElement<Element::quantized>(t); }

/// Deviations are taken from the pixel in the middle, which is near the mean, so that the squares do not cancel where the mean is large.
void moments(const float* raw, int pixels, int channels, float* mean, float* squares) {
  const float share = 1.f / static_cast<float>(pixels);
  for (int c = 0; c < channels; c += W) {
    const V pivot = load(raw + static_cast<long>(pixels / 2) * channels + c);
    V sum[4] = {}, square[4] = {};
    const float* at = raw + c;
    int p = 0;
    for (; p + 4 <= pixels; p += 4) {
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i, at += channels) {
        const V d = load(at) - pivot;
        sum[i] += d;
        square[i] += d * d;
      }
    }
    for (; p < pixels; ++p, at += channels) {
      const V d = load(at) - pivot;
      sum[0] += d;
      square[0] += d * d;
    }
    const V total = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    store(mean + c, pivot + total * share);
    store(squares + c, rectified((square[0] + square[1]) + (square[2] + square[3]) - total * total * share));
  }
}

/// W pixels of W channels from raw, the first `planes` of them and `pixels` of each to out.
inline void transposeBlock(const float* raw, int channels, V factor, V shift, int pixels, int planes, float* out, long planeSize) {
  V a[W];
  const bool whole = pixels == W;
#pragma GCC unroll 16
  for (int p = 0; p < W; ++p) a[p] = (whole || p < pixels) ? load(raw + static_cast<long>(p) * channels) * factor + shift : V{};
  transpose(a);
  if (whole && planes == W) {
#pragma GCC unroll 16
    for (int i = 0; i < W; ++i) store(out + i * planeSize, a[i]);
    return;
  }
  for (int i = 0; i < planes; ++i) __builtin_memcpy(out + i * planeSize, &a[i], pixels * sizeof(float));
}

void planes(const float* raw, int pixels, int channels, int outputs, const float* scale, const float* offset, float* out, long planeSize) {
  for (int c = 0; c < outputs; c += W) {
    const V factor = load(scale + c), shift = load(offset + c);
    const int here = outputs - c < W ? outputs - c : W;
    for (int first = 0; first < pixels; first += W) {
      const int count = pixels - first < W ? pixels - first : W;
      transposeBlock(raw + static_cast<long>(first) * channels + c, channels, factor, shift, count, here, out + c * planeSize + first, planeSize);
    }
  }
}

}  // namespace
