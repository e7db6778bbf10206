// SPDX-License-Identifier: MIT
#include "processor.hpp"

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace qpvo::simd {

namespace {

#if defined(__x86_64__)
/// Leaf 7.1 of CPUID, bit 4 of EAX; the compiler's own list does not know it everywhere.
bool multipliesBytesOfAvx() {
  unsigned eax = 7, ebx = 0, ecx = 1, edx = 0;
  __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
  return (eax >> 4 & 1) != 0;
}

Processor find() {
  __builtin_cpu_init();
  Processor p;
  p.avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  p.avxVnni = p.avx2 && multipliesBytesOfAvx();
  p.avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
  p.avx512Vnni = p.avx512 && __builtin_cpu_supports("avx512vnni");
  p.amx = p.avx512Vnni && __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-int8");
  return p;
}
#elif defined(__aarch64__) && defined(__linux__)
Processor find() {
  constexpr unsigned long kDotProduct = 1ul << 20;
  Processor p;
  p.dotProduct = (getauxval(AT_HWCAP) & kDotProduct) != 0;
  return p;
}
#elif defined(__aarch64__)
Processor find() {
  Processor p;
  p.dotProduct = true;
  return p;
}
#else
Processor find() { return {}; }
#endif

}  // namespace

const Processor& processor() {
  static const Processor found = find();
  return found;
}

}  // namespace qpvo::simd
