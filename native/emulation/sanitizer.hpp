// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include "fiber.hpp"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

namespace qpvo::emulation {

#ifdef __SANITIZE_ADDRESS__

inline const void* hostStack = nullptr;
inline std::size_t hostStackBytes = 0;

/// A switch of which the address sanitizer is told. bottom: of the stack switched to, null for the host's.
inline void switchAnnounced(Fiber& from, Fiber to, const void* bottom, std::size_t bytes, bool ends) {
  void* frames = nullptr;
  const bool toHost = bottom == nullptr;
  __sanitizer_start_switch_fiber(ends ? nullptr : &frames, toHost ? hostStack : bottom, toHost ? hostStackBytes : bytes);
  switchFiber(from, to);
  if (toHost) {
    __sanitizer_finish_switch_fiber(frames, &hostStack, &hostStackBytes);
  } else {
    __sanitizer_finish_switch_fiber(frames, nullptr, nullptr);
  }
}

/// The first thing on a new fiber.
inline void arrivedAnnounced() { __sanitizer_finish_switch_fiber(nullptr, &hostStack, &hostStackBytes); }

#else

inline void switchAnnounced(Fiber& from, Fiber to, const void*, std::size_t, bool) { switchFiber(from, to); }
inline void arrivedAnnounced() {}

#endif

}  // namespace qpvo::emulation
