// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

namespace qpvo {

/// 8-bit interleaved pixels, gray or BGR; never owns them.
struct ImageView {
  const std::uint8_t* data = nullptr;
  int width = 0;
  int height = 0;
  int channels = 1;
  std::size_t step = 0;  ///< bytes from row to row
};

}  // namespace qpvo
