// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace qpvo {

/// A fixed team for loops: the caller works too. Items are handed out one by one, so results must not depend on who computes an item.
class ThreadPool {
 public:
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Runs body(item, worker) for item in [0, count); returns when all are done. worker is in [0, threads()). body must not throw.
  template <typename Body>
  void run(int count, const Body& body) {
    run(count, [](const void* context, int item, int worker) { (*static_cast<const Body*>(context))(item, worker); }, &body);
  }

 private:
  using Call = void (*)(const void*, int, int);
  void run(int count, Call call, const void* context);
  void work(int worker);
  void drain(int worker);

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable start_, done_;
  std::uint64_t generation_ = 0;
  int active_ = 0;
  bool stop_ = false;
  Call call_ = nullptr;
  const void* context_ = nullptr;
  int count_ = 0;
  std::atomic<int> next_{0};
};

}  // namespace qpvo
