// SPDX-License-Identifier: MIT
#pragma once

#include "kernels.hpp"
#include "vector.hpp"

namespace {

using qpvo::simd::CorrelationTask;

constexpr int kRaw = 8;     ///< side of the raw window: 7 + 1 for the bilinear blend
constexpr int kReach = 3;   ///< correlation radius
constexpr int kOut = 7;
constexpr float kFar = 5;   ///< further out than this the whole window is outside

/// One row of the raw window.
typedef float Row __attribute__((vector_size(kRaw * 4)));
typedef int RowIndex __attribute__((vector_size(kRaw * 4)));

/// Lane x of the result is lane x + 1, the last one repeated.
inline Row shifted(Row r) {
#if defined(__clang__)
  return __builtin_shufflevector(r, r, 1, 2, 3, 4, 5, 6, 7, 7);
#else
  return __builtin_shuffle(r, RowIndex{1, 2, 3, 4, 5, 6, 7, 7});
#endif
}

/// Dot products of one patch pixel with the 8x8 map pixels from (x0, y0). W of them are summed across lanes at a time.
template <int C>
inline void rawWindow(const CorrelationTask& task, const float* pixel, int x0, int y0, Row raw[kRaw]) {
  const int channels = C > 0 ? C : task.channels;
  for (int g = 0; g < kRaw * kRaw; g += W) {
    const float* rows[(W + kRaw - 1) / kRaw];
    for (int r = 0; r < (W + kRaw - 1) / kRaw; ++r) {
      rows[r] = task.map + (static_cast<long>(y0 + g / kRaw + r) * task.stride + x0 + g % kRaw) * channels;
    }
    V acc[W] = {};
    for (int c = 0; c < channels; c += W) {
      const V p = load(pixel + c);
      for (int i = 0; i < W; ++i) acc[i] += p * load(rows[i / kRaw] + (i % kRaw) * channels + c);
    }
    const V sums = sumEach(acc);
    __builtin_memcpy(reinterpret_cast<float*>(raw) + g, &sums, sizeof sums);
  }
}

/// Bilinear blend of the 8x8 raw window to 7x7, written as 49 consecutive floats.
inline void blend(const Row raw[kRaw], float ax, float ay, float* out) {
  const auto across = [ax](Row r) { return r + ax * (shifted(r) - r); };
  Row above = across(raw[0]);
  for (int y = 0; y < kOut; ++y) {
    const Row below = across(raw[y + 1]);
    const Row row = above + ay * (below - above);
    __builtin_memcpy(out + y * kOut, &row, sizeof(float) * (y + 1 < kOut ? kRaw : kOut));  // the eighth is overwritten by the next row
    above = below;
  }
}

template <int C>
void correlatePixels(const CorrelationTask& task) {
  Row raw[kRaw];
  for (int p = 0; p < 9; ++p) {
    float* out = task.out + p * kOut * kOut;
    const float x = task.x[p], y = task.y[p];
    const bool reachable = x > -kFar && y > -kFar && x < static_cast<float>(task.width) + kFar - 1 && y < static_cast<float>(task.height) + kFar - 1;
    if (!reachable) {  // also NaN
      __builtin_memset(out, 0, sizeof(float) * kOut * kOut);
      continue;
    }
    const float fx = __builtin_floorf(x), fy = __builtin_floorf(y);
    const float* pixel = task.patch + static_cast<long>(p) * task.channels;
    rawWindow<C>(task, pixel, static_cast<int>(fx) - kReach, static_cast<int>(fy) - kReach, raw);
    blend(raw, x - fx, y - fy, out);
  }
}

void correlate(const CorrelationTask& task) {
  if (task.channels == 64) {
    correlatePixels<64>(task);
  } else if (task.channels == 128) {
    correlatePixels<128>(task);
  } else {
    correlatePixels<0>(task);
  }
}

}  // namespace
