// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <vector>

// What the addon asks about GPUs outside of a frame. Needs no CUDA header.

namespace qpvo::cuda {

struct GpuDescription {
  std::string name;
  int computeCapability;  ///< 87, 90, ...
  std::size_t totalBytes, freeBytes;
  bool integrated;  ///< shares its memory with the processor
};

struct GpuReport {
  int runtimeVersion = 0, driverVersion = 0;  ///< as CUDA counts them: 13000 = 13.0; driver 0 = none
  std::vector<GpuDescription> devices;
  std::string fault;  ///< why nothing runs on the first GPU; empty when a kernel ran there and gave the right result
};

/// Opens the driver, and runs a small kernel on the first GPU. Throws nothing; a broken driver may still end or hang the process.
GpuReport gpuReport();

/// Bytes that the buffers of this process hold, and the most they held.
struct MemoryUse {
  std::size_t device, pinned, peakDevice, peakPinned;
};
MemoryUse memoryUse();

}  // namespace qpvo::cuda
