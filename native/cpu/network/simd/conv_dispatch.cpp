// SPDX-License-Identifier: MIT
#include "conv_dispatch.hpp"

#include "../../simd/processor.hpp"

namespace qpvo::conv {

const ConvKernels& convKernelsFor_baseline();
#if defined(__x86_64__)
const ConvKernels& convKernelsFor_avx2();
const ConvKernels& convKernelsFor_avxvnni();
const ConvKernels& convKernelsFor_avx512();
const ConvKernels& convKernelsFor_avx512vnni();
#elif defined(__aarch64__)
const ConvKernels& convKernelsFor_dotprod();
#endif

namespace {

std::vector<const ConvKernels*> runnable() {
  std::vector<const ConvKernels*> found;
  [[maybe_unused]] const simd::Processor& here = simd::processor();
#if defined(__x86_64__)
  if (here.avx512Vnni) found.push_back(&convKernelsFor_avx512vnni());
  if (here.avxVnni) found.push_back(&convKernelsFor_avxvnni());
  if (here.avx512) found.push_back(&convKernelsFor_avx512());
  if (here.avx2) found.push_back(&convKernelsFor_avx2());
#elif defined(__aarch64__)
  if (here.dotProduct) found.push_back(&convKernelsFor_dotprod());
#endif
  found.push_back(&convKernelsFor_baseline());
  return found;
}

}  // namespace

const simd::InstructionSets<ConvKernels>& convKernels() {
  static const simd::InstructionSets<ConvKernels> found(runnable());
  return found;
}

}  // namespace qpvo::conv
