// SPDX-License-Identifier: MIT
#include "kernels.hpp"
#include "processor.hpp"

namespace qpvo::simd {

const Kernels& kernelsFor_baseline();
#if defined(__x86_64__)
const Kernels& kernelsFor_avx2();
const Kernels& kernelsFor_avx512();
#endif

const Kernels& kernels() {
#if defined(__x86_64__)
  static const Kernels& chosen = processor().avx512 ? kernelsFor_avx512() : processor().avx2 ? kernelsFor_avx2() : kernelsFor_baseline();
  return chosen;
#else
  return kernelsFor_baseline();
#endif
}

}  // namespace qpvo::simd
