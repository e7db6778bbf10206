// SPDX-License-Identifier: MIT
#pragma once

#if __has_include(<nvtx3/nvToolsExt.h>)
#include <nvtx3/nvToolsExt.h>
#define QPVO_NVTX(call) call
#else
#define QPVO_NVTX(call)
#endif

namespace qpvo::cuda {

/// A named range of the host thread, as Nsight Systems shows it; costs nothing when no profiler listens or NVTX was not there at build time.
class Range {
 public:
  explicit Range([[maybe_unused]] const char* name) { QPVO_NVTX(nvtxRangePushA(name)); }
  ~Range() { QPVO_NVTX(nvtxRangePop()); }
  Range(const Range&) = delete;
  Range& operator=(const Range&) = delete;
};

}  // namespace qpvo::cuda

#undef QPVO_NVTX
