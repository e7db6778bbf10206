// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include "runtime/context.hpp"
#include "runtime/graph.hpp"

namespace qpvo::gpu {

/// What this GPU reaches with nothing else to do, measured: the ceilings that ops are held against.
struct Ceilings {
  double bytesPerSecond;     ///< read and written by a copy of 256 MB
  double fp32PerSecond;      ///< multiplications and additions
  double halfPerSecond;      ///< the same by mma of halves with fp32 sums
  double bytePerSecond;      ///< the same by mma of bytes
};

Ceilings measureCeilings(cuda::Context& context);

/// Launches of nothing, one after the other: what so many dependent ones take, however little they do.
cuda::Graph emptyGraph(cuda::Context& context, std::size_t nodes);

}  // namespace qpvo::gpu
