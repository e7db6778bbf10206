// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace qpvo::cuda::network {

/// Of one call, for comparison with what the GPU can do.
struct EncoderWork {
  double bytes = 0;             ///< that the passes must read and write, each array of a pass once
  double products = 0;          ///< multiplications with an addition
  std::size_t sharedBytes = 0;  ///< of the block that needs most

  void add(const EncoderWork& other) {
    bytes += other.bytes;
    products += other.products;
    sharedBytes = sharedBytes > other.sharedBytes ? sharedBytes : other.sharedBytes;
  }
};

}  // namespace qpvo::cuda::network
