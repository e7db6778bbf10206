// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace qpvo {

/// Where a sample of the undistortion map lies in the recorded image, for bilinear interpolation in integers.
struct RecordedSample {
  std::int32_t pixel;         ///< y * width + x of the top-left of four pixels, or -1 outside; the fractions are then 0
  std::uint16_t fraction[2];  ///< x, y in 1/256, 0..256
};

/// x, y: recorded pixel coordinates. A border pixel is interpolated towards the image, so the last half pixel keeps the intensity of the border.
inline RecordedSample recordedSample(double x, double y, int width, int height) {
  const bool inside = x >= -1 && y >= -1 && x < width && y < height;
  if (!inside) return {-1, {0, 0}};
  const double cx = std::clamp(x, 0.0, width - 1.0), cy = std::clamp(y, 0.0, height - 1.0);
  const int x0 = std::clamp(static_cast<int>(cx), 0, width - 2), y0 = std::clamp(static_cast<int>(cy), 0, height - 2);
  return {y0 * width + x0, {static_cast<std::uint16_t>(std::round((cx - x0) * 256)), static_cast<std::uint16_t>(std::round((cy - y0) * 256))}};
}

}  // namespace qpvo
