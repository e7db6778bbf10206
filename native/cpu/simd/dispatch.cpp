// SPDX-License-Identifier: MIT
#include "kernels.hpp"

namespace qpvo::simd {

const Kernels& kernelsFor_baseline();
#if defined(__x86_64__)
const Kernels& kernelsFor_avx2();
const Kernels& kernelsFor_avx512();
#endif

const Kernels& kernels() {
#if defined(__x86_64__)
  static const Kernels& chosen = [] () -> const Kernels& {
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw")) {
      return kernelsFor_avx512();
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return kernelsFor_avx2();
    return kernelsFor_baseline();
  }();
  return chosen;
#else
  return kernelsFor_baseline();
#endif
}

}  // namespace qpvo::simd
