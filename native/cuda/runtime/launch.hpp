// SPDX-License-Identifier: MIT
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <tuple>
#include <utility>

#include "runtime/check.hpp"
#include "runtime/range.hpp"

namespace qpvo::cuda {

/// Of one launch. Blocks are one-dimensional rows of threads, a multiple of 32.
struct Shape {
  unsigned blocksX, blocksY = 1, blocksZ = 1;
  unsigned threads;
  std::size_t sharedBytes = 0;  ///< dynamic, what dynamicShared<T>() points to
};

/// The default limit of dynamic shared memory; more must be asked for.
inline constexpr std::size_t kSharedBytesUnasked = 48 * 1024;

/// Number of blocks of `size` that hold `count` items.
constexpr unsigned blocksFor(std::size_t count, std::size_t size) { return static_cast<unsigned>((count + size - 1) / size); }

namespace launching {

/// Whether the kernel must still be allowed this much, on the calling thread's GPU; remembers it as allowed.
bool asksForMore(const void* kernel, std::size_t sharedBytes);
/// After a reset of the device.
void forgetAllowed();

template <class... P, std::size_t... I>
cudaError_t start(void (*kernel)(P...), const Shape& shape, cudaStream_t stream, std::tuple<P...>& values, std::index_sequence<I...>) {
  void* pointers[sizeof...(P) + 1] = {&std::get<I>(values)...};
  return cudaLaunchKernel(kernel, dim3(shape.blocksX, shape.blocksY, shape.blocksZ), dim3(shape.threads), pointers, shape.sharedBytes, stream);
}

}  // namespace launching

/// The only way in which kernels start: under the op's name, checked. Nothing happens without blocks. Arguments are converted to the kernel's parameters and copied.
template <class... P, class... A>
void launch(const char* name, void (*kernel)(P...), const Shape& shape, cudaStream_t stream, A&&... arguments) {
  static_assert(sizeof...(P) == sizeof...(A), "as many arguments as the kernel has parameters");
  if (shape.blocksX == 0 || shape.blocksY == 0 || shape.blocksZ == 0) return;
  const Range range(name);
  if (shape.sharedBytes > kSharedBytesUnasked && launching::asksForMore(reinterpret_cast<const void*>(kernel), shape.sharedBytes)) {
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shape.sharedBytes)), name);
  }
  std::tuple<P...> values(static_cast<P>(std::forward<A>(arguments))...);
  check(launching::start(kernel, shape, stream, values, std::index_sequence_for<P...>{}), name);
}

}  // namespace qpvo::cuda
