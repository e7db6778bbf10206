// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <vector>

namespace qpvo::emulation {

/// A place where execution can go on: its stack pointer, with the registers that a function must keep stacked below.
using Fiber = void*;

/// Goes on at `to`, having left in `from` where to come back to.
void switchFiber(Fiber& from, Fiber to);

/// Stacks for one fiber per thread of a block, each with a page below that stops an overflow.
class Stacks {
 public:
  /// A fiber that will call entry() on the stack of this number. entry must not return.
  Fiber begin(std::size_t number, void (*entry)());
  /// Whether the address lies in one of the pages that stop overflows.
  bool isGuard(const void* address) const;
  /// Lower end of the stack and its bytes, for the address sanitizer.
  void* bottom(std::size_t number) const;
  static std::size_t usableBytes();

 private:
  void grow();
  std::vector<unsigned char*> slabs_;
};

}  // namespace qpvo::emulation
