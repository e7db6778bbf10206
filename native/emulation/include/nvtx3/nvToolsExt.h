// SPDX-License-Identifier: MIT
#pragma once

namespace qpvo::emulation {

/// The names round a launch say in messages which kernel failed.
void pushName(const char* name);
void popName();

}  // namespace qpvo::emulation

inline int nvtxRangePushA(const char* name) {
  qpvo::emulation::pushName(name);
  return 0;
}
inline int nvtxRangePop() {
  qpvo::emulation::popName();
  return 0;
}
