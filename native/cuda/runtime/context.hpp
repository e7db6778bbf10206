// SPDX-License-Identifier: MIT
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

namespace qpvo::cuda {

/// The oldest GPUs with the tensor core instructions that the kernels use.
inline constexpr int kLeastComputeCapability = 80;

/// One GPU and the one stream on which everything happens.
class Context {
 public:
  /// When an earlier loss of the device is in the way and no other context lives, resets the device first: everything on it in this process is gone then.
  /// @throws Error QPVO_NO_DEVICE as runtime/check.hpp, also for a GPU older than kLeastComputeCapability or without code in this build; QPVO_DEVICE_LOST
  explicit Context(int device);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  /// Does not wait for the default stream, and is not waited for by it.
  cudaStream_t stream() const { return stream_; }
  int device() const { return device_; }
  int multiprocessors() const { return multiprocessors_; }
  /// Shared memory that a block can have, bytes, when the kernel asks for it (launch does).
  std::size_t sharedPerBlock() const { return sharedPerBlock_; }
  /// 87, 90, ...
  int computeCapability() const { return computeCapability_; }

  /// Makes this GPU that of the calling thread: once in every thread that issues calls.
  void bind() const;
  /// Waits for the stream. @throws Error QPVO_DEVICE_LOST when something on it failed.
  void synchronize() const;

 private:
  int device_;
  cudaStream_t stream_ = nullptr;
  int multiprocessors_ = 0;
  int computeCapability_ = 0;
  std::size_t sharedPerBlock_ = 0;
};

}  // namespace qpvo::cuda
