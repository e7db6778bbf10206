// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

// What a test sets about the emulated GPU. A program that knows nothing of the emulation is set by environment variables, read once: QPVO_EMULATION_DEVICES,
// _CAPABILITY (87), _SHARED_KB, _MEMORY_MB, _ORDER (forward, backward, or a seed), _LOSE_AT (number of the call that fails), _DRIVER (0: too old).

namespace qpvo::emulation {

/// In which blocks, the warps of a block and the lanes of a warp get their turn.
enum class Order { forward, backward, shuffled };

struct Controls {
  int devices = 1;
  int computeCapability = 87;
  int multiprocessors = 4;
  std::size_t sharedPerBlock = 99 * 1024;  ///< of the GPUs with the least (8.6, 8.9)
  std::size_t memoryBytes = std::size_t{8} << 30;
  bool driverWorks = true;
  bool kernelsFit = true;  ///< false: as if built for other architectures
  long callsUntilLost = -1;  ///< launches, copies and waits that still succeed; then the device is lost until cudaDeviceReset. -1: never
  Order order = Order::forward;
  std::uint64_t seed = 1;
};

Controls& controls();

/// Kernels that ran, and threads in them, since the start.
struct Counts {
  std::uint64_t kernels, threads;
};
Counts counts();

}  // namespace qpvo::emulation
