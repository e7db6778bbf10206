// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <map>

namespace qpvo::emulation {

/// Device memory: pages of one reserved range, which only kernels and copies may touch.
class DeviceMemory {
 public:
  /// Poisoned, on a page of its own; nullptr when the limit is passed.
  void* allocate(std::size_t bytes, std::size_t limit);
  /// False when it is not the start of an allocation.
  bool release(void* data);
  std::size_t taken() const { return taken_; }
  bool contains(const void* address) const;
  /// Whether all bytes lie in one allocation.
  bool holds(const void* data, std::size_t bytes) const;
  void releaseAll();

  /// While one lives, the memory can be touched.
  class Access {
   public:
    Access();
    ~Access();
    Access(const Access&) = delete;
    Access& operator=(const Access&) = delete;
  };

 private:
  unsigned char* base();
  void protect(int protection);

  unsigned char* base_ = nullptr;
  std::size_t taken_ = 0, end_ = 0;
  int accesses_ = 0;
  std::map<std::size_t, std::size_t> allocations_;  ///< offset -> bytes asked for
  std::multimap<std::size_t, std::size_t> gaps_;    ///< pages freed: bytes -> offset
};
DeviceMemory& deviceMemory();

/// Page-locked host memory.
class PinnedMemory {
 public:
  void* allocate(std::size_t bytes);
  bool release(void* data);
  bool holds(const void* data, std::size_t bytes) const;

 private:
  std::map<const unsigned char*, std::size_t> allocations_;
};
PinnedMemory& pinnedMemory();

}  // namespace qpvo::emulation
