// SPDX-License-Identifier: MIT
#include "runtime/launch.hpp"

#include <map>
#include <mutex>

namespace qpvo::cuda::launching {

namespace {

struct Allowed {
  std::mutex mutex;
  std::map<std::pair<int, const void*>, std::size_t> bytes;
};

Allowed& allowed() {
  static Allowed instance;
  return instance;
}

}  // namespace

bool asksForMore(const void* kernel, std::size_t sharedBytes) {
  int device = 0;
  check(cudaGetDevice(&device), "asking for the GPU of this thread");
  const std::scoped_lock lock(allowed().mutex);
  std::size_t& most = allowed().bytes[{device, kernel}];
  if (sharedBytes <= most) return false;
  most = sharedBytes;
  return true;
}

void forgetAllowed() {
  const std::scoped_lock lock(allowed().mutex);
  allowed().bytes.clear();
}

}  // namespace qpvo::cuda::launching
