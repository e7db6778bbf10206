// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#ifdef QPVO_CUDA_EMULATION
#include "emulation/controls.hpp"
#endif

namespace qpvo::gpu {

#ifdef QPVO_CUDA_EMULATION

inline constexpr bool kEmulated = true;

/// Runs of a case, which must all have the same bits: emulated, with the threads in other orders.
inline std::vector<std::string> orders() { return {"forward", "backward", "shuffled"}; }

inline void choose(const std::string& order) {
  using emulation::Order;
  emulation::controls().order = order == "forward" ? Order::forward : order == "backward" ? Order::backward : Order::shuffled;
}

#else

inline constexpr bool kEmulated = false;

inline std::vector<std::string> orders() { return {"first", "second"}; }
inline void choose(const std::string&) {}

#endif

}  // namespace qpvo::gpu
