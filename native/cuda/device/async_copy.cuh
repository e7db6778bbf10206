// SPDX-License-Identifier: MIT
#pragma once

#include <cuda_runtime.h>

// Copies from global to shared memory that run beside the arithmetic, `cp.async` (PTX ISA, "Data movement and conversion instructions: cp.async"). A thread starts copies, closes a
// group with commitCopies, and waits until at most N of its groups are under way; a barrier then shows them to the other threads.

namespace qpvo::cuda {

#ifdef QPVO_CUDA_EMULATION

inline void copyAsync16(void* shared, const void* global, bool inside = true) { emulation::copyAsync(shared, global, inside); }
inline void copyAsync16Once(void* shared, const void* global, bool inside = true) { emulation::copyAsync(shared, global, inside); }
inline void commitCopies() { emulation::commitCopies(); }
template <int N>
inline void waitCopies() {
  emulation::waitCopies(N);
}

#else

/// 16 bytes, both addresses on 16. Not inside: writes zeros and reads nothing, but the address must still be valid.
__device__ __forceinline__ void copyAsync16(void* shared, const void* global, bool inside = true) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 16, %2;" ::"r"(static_cast<unsigned>(__cvta_generic_to_shared(shared))),
               "l"(__cvta_generic_to_global(global)), "r"(inside ? 16 : 0)
               : "memory");
}

/// The same for what no other block of this multiprocessor will read soon: passes by its L1 cache.
__device__ __forceinline__ void copyAsync16Once(void* shared, const void* global, bool inside = true) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(static_cast<unsigned>(__cvta_generic_to_shared(shared))),
               "l"(__cvta_generic_to_global(global)), "r"(inside ? 16 : 0)
               : "memory");
}

__device__ __forceinline__ void commitCopies() { asm volatile("cp.async.commit_group;" ::: "memory"); }

/// Waits until at most the N newest groups of this thread are under way.
template <int N>
__device__ __forceinline__ void waitCopies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
}

#endif

}  // namespace qpvo::cuda
