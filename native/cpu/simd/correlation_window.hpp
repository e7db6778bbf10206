// SPDX-License-Identifier: MIT
#pragma once

// What correlation in any precision has in common: the 8x8 raw window of a patch pixel and its bilinear blend to 7x7.

namespace {

constexpr int kRaw = 8;     ///< side of the raw window: 7 + 1 for the bilinear blend
constexpr int kReach = 3;   ///< correlation radius
constexpr int kOut = 7;
constexpr int kPixels = 9;  ///< of a patch
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

/// As many channels of a map: known when it is compiled, or 0 for any number.
template <int C>
struct Channels {};

/// work(Channels<C>) for the widths that models have, with loops of fixed length, and for any other.
template <typename Work>
inline void withChannels(int channels, const Work& work) {
  if (channels == 64) {
    work(Channels<64>{});
  } else if (channels == 128) {
    work(Channels<128>{});
  } else {
    work(Channels<0>{});
  }
}

/// Every pixel of a patch; rawWindow(pixel, x0, y0, raw) fills the 8x8 window from (x0, y0), which lies on the map or its border. What is out of reach has zeros.
template <typename Task, typename RawWindow>
inline void correlatePixels(const Task& task, const RawWindow& rawWindow) {
  Row raw[kRaw];
  for (int p = 0; p < kPixels; ++p) {
    float* out = task.out + p * kOut * kOut;
    const float x = task.x[p], y = task.y[p];
    const bool reachable = x > -kFar && y > -kFar && x < static_cast<float>(task.width) + kFar - 1 && y < static_cast<float>(task.height) + kFar - 1;
    if (!reachable) {  // also NaN
      __builtin_memset(out, 0, sizeof(float) * kOut * kOut);
      continue;
    }
    const float fx = __builtin_floorf(x), fy = __builtin_floorf(y);
    rawWindow(p, static_cast<int>(fx) - kReach, static_cast<int>(fy) - kReach, raw);
    blend(raw, x - fx, y - fy, out);
  }
}

}  // namespace
