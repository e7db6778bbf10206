// SPDX-License-Identifier: MIT
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <type_traits>

#include "runtime/check.hpp"

namespace qpvo::cuda {

// Copies in the order of the stream. The host side is pinned memory in a frame, or anything at start; counts are of elements.

template <class T>
void upload(T* device, const T* host, std::size_t count, cudaStream_t stream) {
  static_assert(std::is_trivially_copyable_v<T>);
  if (count > 0) check(cudaMemcpyAsync(device, host, count * sizeof(T), cudaMemcpyHostToDevice, stream), "copying to the GPU");
}

template <class T>
void download(T* host, const T* device, std::size_t count, cudaStream_t stream) {
  static_assert(std::is_trivially_copyable_v<T>);
  if (count > 0) check(cudaMemcpyAsync(host, device, count * sizeof(T), cudaMemcpyDeviceToHost, stream), "copying from the GPU");
}

template <class T>
void copyOnDevice(T* to, const T* from, std::size_t count, cudaStream_t stream) {
  static_assert(std::is_trivially_copyable_v<T>);
  if (count > 0) check(cudaMemcpyAsync(to, from, count * sizeof(T), cudaMemcpyDeviceToDevice, stream), "copying on the GPU");
}

}  // namespace qpvo::cuda
