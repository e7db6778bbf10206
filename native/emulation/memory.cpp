// SPDX-License-Identifier: MIT
#include "memory.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <new>

#include "scheduler.hpp"
#include "shared_memory.hpp"

namespace qpvo::emulation {

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kRange = std::size_t{64} << 30;  // reserved, not taken

std::size_t pages(std::size_t bytes) { return (bytes + kPage) / kPage * kPage; }

unsigned char faultStack[64 * 1024];

/// Says what a fault of memory was before the process dies of it as usual.
void explainFault(int number, siginfo_t* info, void*) {
  const char* what = deviceMemory().contains(info->si_addr) ? "touched device memory that is not there or, on the host, outside of kernels and copies"
                     : isStackGuard(info->si_addr)          ? "used more stack than a thread has"
                                                            : "touched memory that is not there";
  std::fprintf(stderr, "CUDA emulation: %s %s (address %p).\n", runningPlace().c_str(), what, info->si_addr);
  std::fflush(stderr);
  signal(number, SIG_DFL);
  raise(number);
}

void watchFaults() {
  stack_t alternate{};
  alternate.ss_sp = faultStack;
  alternate.ss_size = sizeof(faultStack);
  struct sigaction action {};
  action.sa_sigaction = explainFault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  sigaltstack(&alternate, nullptr);
  sigaction(SIGSEGV, &action, nullptr);
  sigaction(SIGBUS, &action, nullptr);
}

}  // namespace

DeviceMemory& deviceMemory() {
  static DeviceMemory instance;
  return instance;
}

PinnedMemory& pinnedMemory() {
  static PinnedMemory instance;
  return instance;
}

unsigned char* DeviceMemory::base() {
  if (base_ != nullptr) return base_;
  void* const range = mmap(nullptr, kRange, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (range == MAP_FAILED) throw std::bad_alloc();
  base_ = static_cast<unsigned char*>(range);
#ifndef __SANITIZE_ADDRESS__
  watchFaults();
#endif
  return base_;
}

void DeviceMemory::protect(int protection) {
  if (end_ > 0) mprotect(base_, end_, protection);
}

void* DeviceMemory::allocate(std::size_t bytes, std::size_t limit) {
  const std::size_t whole = pages(bytes);
  if (whole > limit || taken_ + whole > limit) return nullptr;
  std::size_t offset = end_;
  if (const auto gap = gaps_.find(whole); gap != gaps_.end()) {
    offset = gap->second;
    gaps_.erase(gap);
  } else {
    if (end_ + whole > kRange) return nullptr;
    base();
    end_ += whole;
  }
  const Access access;
  protect(PROT_READ | PROT_WRITE);
  poison(base_ + offset, whole);
  allocations_[offset] = bytes;
  taken_ += whole;
  return base_ + offset;
}

bool DeviceMemory::release(void* data) {
  const auto offset = static_cast<std::size_t>(static_cast<unsigned char*>(data) - base_);
  const auto found = allocations_.find(offset);
  if (base_ == nullptr || found == allocations_.end()) return false;
  const std::size_t whole = pages(found->second);
  madvise(base_ + offset, whole, MADV_DONTNEED);
  gaps_.emplace(whole, offset);
  taken_ -= whole;
  allocations_.erase(found);
  return true;
}

void DeviceMemory::releaseAll() {
  while (!allocations_.empty()) release(base_ + allocations_.begin()->first);
}

bool DeviceMemory::contains(const void* address) const {
  const auto* const at = static_cast<const unsigned char*>(address);
  return base_ != nullptr && at >= base_ && at < base_ + kRange;
}

bool DeviceMemory::holds(const void* data, std::size_t bytes) const {
  if (!contains(data)) return false;
  const auto offset = static_cast<std::size_t>(static_cast<const unsigned char*>(data) - base_);
  const auto after = allocations_.upper_bound(offset);
  if (after == allocations_.begin()) return false;
  const auto& [start, length] = *std::prev(after);
  return offset + bytes <= start + length;
}

DeviceMemory::Access::Access() {
  if (deviceMemory().accesses_++ == 0) deviceMemory().protect(PROT_READ | PROT_WRITE);
}

DeviceMemory::Access::~Access() {
  if (--deviceMemory().accesses_ == 0) deviceMemory().protect(PROT_NONE);
}

void* PinnedMemory::allocate(std::size_t bytes) {
  void* const data = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  if (data == nullptr) return nullptr;
  poison(data, bytes);
  allocations_[static_cast<const unsigned char*>(data)] = bytes;
  return data;
}

bool PinnedMemory::release(void* data) {
  if (allocations_.erase(static_cast<const unsigned char*>(data)) == 0) return false;
  std::free(data);
  return true;
}

bool PinnedMemory::holds(const void* data, std::size_t bytes) const {
  const auto* const start = static_cast<const unsigned char*>(data);
  const auto after = allocations_.upper_bound(start);
  if (after == allocations_.begin()) return false;
  const auto& [first, length] = *std::prev(after);
  return start + bytes <= first + length;
}

}  // namespace qpvo::emulation
