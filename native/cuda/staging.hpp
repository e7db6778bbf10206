// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <type_traits>

#include "runtime/copy.hpp"
#include "runtime/device_buffer.hpp"

namespace qpvo::cuda {

/// Pinned memory that small tables and images pass through on their way to the device, so that the caller may change its own at once. Room is taken from front to back
/// and all of it given back by release(), after a wait; when there is none left, reserve() waits for the stream itself.
class Staging {
 public:
  explicit Staging(std::size_t bytes) : memory_(bytes) {}

  /// Room for so many bytes, on 16, that stays until release(). @throws QPVO_INTERNAL for more than there is in all
  std::byte* reserve(std::size_t bytes, cudaStream_t stream);

  /// Copies now, uploads in the order of the stream.
  template <class T>
  void upload(T* device, const T* host, std::size_t count, cudaStream_t stream) {
    static_assert(std::is_trivially_copyable_v<T>);
    if (count == 0) return;
    T* held = reinterpret_cast<T*>(reserve(count * sizeof(T), stream));
    std::memcpy(held, host, count * sizeof(T));
    cuda::upload(device, held, count, stream);
  }

  /// The same for two tables that lie one behind the other on the device.
  void uploadBoth(std::byte* device, std::span<const std::byte> first, std::span<const std::byte> second, cudaStream_t stream);

  /// The stream has been waited for.
  void release() { used_ = 0; }

 private:
  PinnedBuffer<std::byte> memory_;
  std::size_t used_ = 0;
};

}  // namespace qpvo::cuda
