// SPDX-License-Identifier: MIT
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <type_traits>
#include <utility>

#include "runtime/check.hpp"
#include "runtime/tally.hpp"

namespace qpvo::cuda {

/// Between sentinels of kSentinelBytes on both sides, which hold the bytes fe ff fe ff ...: read as any floating-point type, not a number.
inline constexpr std::size_t kSentinelBytes = 256;

namespace allocation {

enum class Place { device, pinned };

/// Zeroed memory between sentinels, on 256 bytes. @throws Error QPVO_OUT_OF_MEMORY with what was asked for, what all buffers hold, and what the GPU has free
void* take(Place place, std::size_t bytes);
void giveBack(Place place, void* data, std::size_t bytes) noexcept;
/// The same within memory that was taken before: clears it and puts its sentinels beside it; looks at them.
void takePart(void* data, std::size_t bytes);
void giveBackPart(const void* data, std::size_t bytes) noexcept;
bool sentinelsIntact(const void* data, std::size_t bytes);

}  // namespace allocation

/// What all buffers of the process hold now, without sentinels, and engines of TensorRT, and the most they ever held since resetPeak.
Allocated allocatedBytes();
Allocated peakBytes();
void resetPeak();

/// For tests: from now on the sentinels of every buffer are looked at when it is given back. Returns how many were found damaged since the last call.
std::size_t damagedBuffers();

/// What an array of so many bytes takes as a part of another, its sentinels included.
constexpr std::size_t partBytes(std::size_t bytes) { return kSentinelBytes + (bytes + 2 * kSentinelBytes - 1) / kSentinelBytes * kSentinelBytes; }

/// An array of fixed length, zeroed. Allocated at start and never in a frame: allocation and release wait for the whole GPU.
template <class T, allocation::Place place>
class Buffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Buffer() = default;
  explicit Buffer(std::size_t count) : data_(static_cast<T*>(allocation::take(place, count * sizeof(T)))), count_(count) {}
  /// A part of another buffer, which must outlive it: partBytes() from `start`, on 256 bytes, are its own.
  Buffer(std::byte* start, std::size_t count) : data_(reinterpret_cast<T*>(start + kSentinelBytes)), count_(count), isPart_(true) {
    allocation::takePart(data_, count * sizeof(T));
  }
  ~Buffer() {
    if (data_ == nullptr) return;
    if (isPart_) {
      allocation::giveBackPart(data_, count_ * sizeof(T));
    } else {
      allocation::giveBack(place, data_, count_ * sizeof(T));
    }
  }
  Buffer(Buffer&& other) noexcept : data_(std::exchange(other.data_, nullptr)), count_(std::exchange(other.count_, 0)), isPart_(other.isPart_) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
    std::swap(isPart_, other.isPart_);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  T* data() { return data_; }
  const T* data() const { return data_; }
  std::size_t size() const { return count_; }

  /// In the order of the stream.
  void zero(cudaStream_t stream)
    requires(place == allocation::Place::device)
  {
    if (count_ > 0) check(cudaMemsetAsync(data_, 0, count_ * sizeof(T), stream), "clearing a buffer");
  }

  T& operator[](std::size_t i)
    requires(place == allocation::Place::pinned)
  {
    return data_[i];
  }
  const T& operator[](std::size_t i) const
    requires(place == allocation::Place::pinned)
  {
    return data_[i];
  }

  /// Whether nothing was written beside the array. Waits for the GPU: for tests.
  bool intact() const { return data_ == nullptr || allocation::sentinelsIntact(data_, count_ * sizeof(T)); }

 private:
  T* data_ = nullptr;
  std::size_t count_ = 0;
  bool isPart_ = false;
};

/// Device memory: the host passes the pointer on and never follows it.
template <class T>
using DeviceBuffer = Buffer<T, allocation::Place::device>;

/// Host memory that the GPU copies from and to without a stop. What an enqueued copy reads must stay as it is until the stream was waited for.
template <class T>
using PinnedBuffer = Buffer<T, allocation::Place::pinned>;

}  // namespace qpvo::cuda
