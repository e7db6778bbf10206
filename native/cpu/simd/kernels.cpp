// SPDX-License-Identifier: MIT
#include "kernels.hpp"

#include "bundle_adjust_kernels.hpp"
#include "correlation_kernel.hpp"
#include "vector.hpp"

#define QPVO_NAME2(prefix, isa) prefix##isa
#define QPVO_NAME(prefix, isa) QPVO_NAME2(prefix, isa)
#define QPVO_TEXT2(isa) #isa
#define QPVO_TEXT(isa) QPVO_TEXT2(isa)

namespace qpvo::simd {

const Kernels& QPVO_NAME(kernelsFor_, QPVO_ISA)();

const Kernels& QPVO_NAME(kernelsFor_, QPVO_ISA)() {
  static const Kernels table = {QPVO_TEXT(QPVO_ISA), correlate, accumulatePair, schur, updateDepths};
  return table;
}

}  // namespace qpvo::simd
