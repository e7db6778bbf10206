// SPDX-License-Identifier: MIT
#include "runtime/memory_text.hpp"

#include <cuda_runtime.h>

namespace qpvo::cuda {

std::string megabytes(std::size_t bytes) { return std::to_string((bytes + 999'999) / 1'000'000) + " MB"; }

std::string freeMemoryText() {
  std::size_t free = 0, total = 0;
  if (cudaMemGetInfo(&free, &total) == cudaSuccess) return "the GPU has " + megabytes(free) + " free of " + megabytes(total);
  cudaGetLastError();
  return "the GPU does not tell what it has free";
}

}  // namespace qpvo::cuda
