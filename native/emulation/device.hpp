// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <set>
#include <vector>

#include "emulation/controls.hpp"
#include "emulation/runtime_api.hpp"

using Work = std::function<void()>;

struct CUgraph_st {
  std::vector<Work> work;
};
struct CUgraphExec_st {
  std::vector<Work> work;
};
struct CUstream_st {
  std::deque<Work> work;
  cudaGraph_t recording = nullptr;
};
struct CUevent_st {
  cudaStream_t stream = nullptr;  ///< where it was recorded
  bool reached = true;
  std::chrono::steady_clock::time_point when{};
};

namespace qpvo::emulation {

/// The one emulated GPU.
struct Device {
  std::recursive_mutex mutex;
  std::set<cudaStream_t> streams;
  bool lost = false;
  long calls = 0;
  cudaError_t last = cudaSuccess;
  std::exception_ptr failure;  ///< seen where nothing could be thrown
};
Device& device();

/// Runs body under the lock, unless there is no working device or it is lost. An error is kept for cudaGetLastError.
cudaError_t call(const std::function<cudaError_t()>& body);
/// As call, for launches, copies and waits: counts towards callsUntilLost, and throws a Failure that could not be thrown before.
cudaError_t countedCall(const std::function<cudaError_t()>& body);

/// Appends to the stream or to what it records. @throws Failure for the default stream
void enqueue(cudaStream_t stream, const char* what, Work work);
/// Runs what the stream holds, up to the event if there is one. @throws Failure, and the rest is dropped
void drain(cudaStream_t stream, const CUevent_st* until = nullptr);
void drainAll();
bool recording();

/// Innermost name round the calling thread's call, for messages.
const char* innermostName();

}  // namespace qpvo::emulation
