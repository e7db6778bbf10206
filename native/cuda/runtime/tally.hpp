// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>

// What this process holds on the GPU and for it. Needs no CUDA header.

namespace qpvo::cuda {

/// Bytes on the device and in pinned host memory.
struct Allocated {
  std::size_t device, pinned;
};

/// Counts memory. One serves all libraries of a process, each of which has this code of its own (countIn).
struct Tally {
  std::mutex mutex;
  Allocated now{}, most{};
  std::atomic<bool> watched = false;  ///< the sentinels of every buffer are looked at when it is given back
  std::size_t damaged = 0;            ///< buffers whose sentinels were found damaged

  void add(std::size_t Allocated::* place, std::size_t bytes);
  void remove(std::size_t Allocated::* place, std::size_t bytes);
};

/// Where this library counts.
Tally& tally();

/// From now on this library counts where another one does, which outlives it. Before its first buffer.
void countIn(Tally& other);

/// Device memory that a foreign library holds, counted while this lives.
class CountedElsewhere {
 public:
  explicit CountedElsewhere(std::size_t bytes) : bytes_(bytes) { tally().add(&Allocated::device, bytes_); }
  ~CountedElsewhere() { tally().remove(&Allocated::device, bytes_); }
  CountedElsewhere(const CountedElsewhere&) = delete;
  CountedElsewhere& operator=(const CountedElsewhere&) = delete;

 private:
  std::size_t bytes_;
};

}  // namespace qpvo::cuda
