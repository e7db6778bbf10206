// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <source_location>
#include <stdexcept>
#include <string>

#include "vector_types.hpp"

// The running thread's view of its block. Blocks run one after another, the threads of a block as fibers, each until it must wait for others.

inline dim3 gridDim, blockDim;
inline uint3 blockIdx, threadIdx;
inline constexpr int warpSize = 32;

namespace qpvo::emulation {

using Site = std::source_location;

/// What a kernel did wrong that a GPU would answer with a hang, a fault or chance; thrown where the host waits.
class Failure : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Ends the running kernel. @throws Failure on the host, with the kernel's name, block and thread before the message
[[noreturn]] void fail(const std::string& message);

/// Waits until all 32 lanes of the warp are here; the last one calls compute(lanes), lanes[i] being what lane i gave. All must come from the same place in the source.
void collective(const char* what, const Site& site, void* mine, void (*compute)(void* const* lanes));

/// Waits until all threads of the block are here; the sum of what they gave.
int barrier(const Site& site, int value = 0);

void* dynamicShared();

/// cp.async: the bytes arrive when they are waited for, and what was there before is gone at once.
void copyAsync(void* shared, const void* global, bool inside);
void commitCopies();
void waitCopies(int most);

struct Grid {
  std::string name;
  const void* kernel;
  dim3 blocks;
  unsigned threads;
  std::size_t sharedBytes;
};

/// Runs all blocks. thread() is the kernel with its arguments. @throws Failure
void runGrid(const Grid& grid, const std::function<void()>& thread);

}  // namespace qpvo::emulation

inline void __syncthreads(const qpvo::emulation::Site& site = qpvo::emulation::Site::current()) { qpvo::emulation::barrier(site); }
inline int __syncthreads_count(int predicate, const qpvo::emulation::Site& site = qpvo::emulation::Site::current()) {
  return qpvo::emulation::barrier(site, predicate != 0);
}
inline int __syncthreads_or(int predicate, const qpvo::emulation::Site& site = qpvo::emulation::Site::current()) {
  return qpvo::emulation::barrier(site, predicate != 0) != 0;
}
inline int __syncthreads_and(int predicate, const qpvo::emulation::Site& site = qpvo::emulation::Site::current()) {
  return qpvo::emulation::barrier(site, predicate == 0) == 0;
}
