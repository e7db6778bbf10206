// SPDX-License-Identifier: MIT
#pragma once

#include "correlation_window.hpp"
#include "kernels.hpp"
#include "vector.hpp"

namespace {

using qpvo::simd::CorrelationTask;

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

void correlate(const CorrelationTask& task) {
  withChannels(task.channels, [&task]<int C>(Channels<C>) {
    correlatePixels(task, [&task](int p, int x0, int y0, Row raw[kRaw]) { rawWindow<C>(task, task.patch + static_cast<long>(p) * task.channels, x0, y0, raw); });
  });
}

}  // namespace
