// SPDX-License-Identifier: MIT
#pragma once

namespace qpvo {

inline constexpr int kPatchPixels = 9;                 ///< 3 x 3
inline constexpr int kWindow = 7;                      ///< correlation window, radius 3
inline constexpr int kLevels = 2;                      ///< grid and a quarter of it
inline constexpr int kMapBorder = 8;                   ///< zero pixels around every map: a correlation window that touches the map never leaves it
inline constexpr int kCorrelationDim = kLevels * kPatchPixels * kWindow * kWindow;  ///< F = 882, [level][py][px][dy][dx]

/// Of a correlation whose values are bytes, as quantized layers read it.
inline constexpr int kCorrelationStride = (kCorrelationDim + 63) / 64 * 64;  ///< bytes from edge to edge
inline constexpr int kSpareEdges = 32;                 ///< that may be read beyond the last one

}  // namespace qpvo
