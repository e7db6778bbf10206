// SPDX-License-Identifier: MIT
#include "byte_dispatch.hpp"

#include "processor.hpp"

namespace qpvo::simd {

const ByteKernels& byteKernelsFor_baseline();
#if defined(__x86_64__)
const ByteKernels& byteKernelsFor_avx2();
const ByteKernels& byteKernelsFor_avxvnni();
const ByteKernels& byteKernelsFor_avx512vnni();
#elif defined(__aarch64__)
const ByteKernels& byteKernelsFor_dotprod();
#endif

namespace {

std::vector<const ByteKernels*> runnable() {
  std::vector<const ByteKernels*> found;
  [[maybe_unused]] const Processor& here = processor();
#if defined(__x86_64__)
  if (here.avx512Vnni) found.push_back(&byteKernelsFor_avx512vnni());
  if (here.avxVnni) found.push_back(&byteKernelsFor_avxvnni());
  if (here.avx2) found.push_back(&byteKernelsFor_avx2());
#elif defined(__aarch64__)
  if (here.dotProduct) found.push_back(&byteKernelsFor_dotprod());
#endif
  found.push_back(&byteKernelsFor_baseline());
  return found;
}

}  // namespace

const InstructionSets<ByteKernels>& byteKernels() {
  static const InstructionSets<ByteKernels> found(runnable());
  return found;
}

}  // namespace qpvo::simd
