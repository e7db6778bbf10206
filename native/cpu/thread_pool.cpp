// SPDX-License-Identifier: MIT
#include "qpvo/thread_pool.hpp"

namespace qpvo {

ThreadPool::ThreadPool(int threads) {
  for (int i = 1; i < threads; ++i) workers_.emplace_back([this, i] { work(i); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  start_.notify_all();
  for (auto& worker : workers_) worker.join();
}

void ThreadPool::run(int count, Call call, const void* context) {
  if (workers_.empty() || count <= 1) {
    for (int item = 0; item < count; ++item) call(context, item, 0);
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    call_ = call;
    context_ = context;
    count_ = count;
    next_.store(0, std::memory_order_relaxed);
    active_ = static_cast<int>(workers_.size());
    ++generation_;
  }
  start_.notify_all();
  drain(0);
  std::unique_lock lock(mutex_);
  done_.wait(lock, [this] { return active_ == 0; });
}

void ThreadPool::drain(int worker) {
  for (int item = next_.fetch_add(1); item < count_; item = next_.fetch_add(1)) call_(context_, item, worker);
}

void ThreadPool::work(int worker) {
  std::uint64_t seen = 0;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      start_.wait(lock, [&] { return stop_ || generation_ != seen; });
      if (stop_) return;
      seen = generation_;
    }
    drain(worker);
    bool last = false;
    {
      const std::lock_guard lock(mutex_);
      last = --active_ == 0;
    }
    if (last) done_.notify_one();
  }
}

}  // namespace qpvo
