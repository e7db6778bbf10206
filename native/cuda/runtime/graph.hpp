// SPDX-License-Identifier: MIT
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <utility>

#include "runtime/check.hpp"

namespace qpvo::cuda {

/// A sequence of launches and copies, recorded once and replayed with one call. Their arguments are those of the recording; what changes stands in device memory.
class Graph {
 public:
  Graph() = default;
  ~Graph();
  Graph(Graph&& other) noexcept : executable_(std::exchange(other.executable_, nullptr)), nodes_(std::exchange(other.nodes_, 0)) {}
  Graph& operator=(Graph&& other) noexcept {
    std::swap(executable_, other.executable_);
    std::swap(nodes_, other.nodes_);
    return *this;
  }
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  /// Records what work enqueues on the stream, without running it, in place of an earlier recording. work may not allocate or wait.
  template <class F>
  void capture(cudaStream_t stream, F&& work) {
    begin(stream);
    try {
      std::forward<F>(work)();
    } catch (...) {
      discard(stream);
      throw;
    }
    end(stream);
  }

  /// Enqueues the recording.
  void replay(cudaStream_t stream);
  bool ready() const { return executable_ != nullptr; }
  /// Launches and copies of the recording.
  std::size_t nodes() const { return nodes_; }

 private:
  static void begin(cudaStream_t stream);
  static void discard(cudaStream_t stream) noexcept;
  void end(cudaStream_t stream);

  cudaGraphExec_t executable_ = nullptr;
  std::size_t nodes_ = 0;
};

}  // namespace qpvo::cuda
