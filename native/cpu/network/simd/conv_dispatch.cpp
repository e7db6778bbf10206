// SPDX-License-Identifier: MIT
#include <array>
#include <cstring>

#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include "conv_kernels.hpp"

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

constexpr int kMostForms = 5;

struct Forms {
  std::array<const ConvKernels*, kMostForms> kernels{};
  std::array<const char*, kMostForms + 1> names{};
  int count = 0;

  void add(const ConvKernels& form) {
    kernels[count] = &form;
    names[count++] = form.name;
  }
};

#if defined(__x86_64__)
/// Leaf 7.1 of CPUID, bit 4 of EAX; the compiler's own list does not know it everywhere.
bool multipliesBytesOfAvx() {
  unsigned eax = 7, ebx = 0, ecx = 1, edx = 0;
  __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
  return (eax >> 4 & 1) != 0;
}

void addForms(Forms& forms) {
  __builtin_cpu_init();
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (avx512 && __builtin_cpu_supports("avx512vnni")) forms.add(convKernelsFor_avx512vnni());
  if (avx2 && multipliesBytesOfAvx()) forms.add(convKernelsFor_avxvnni());
  if (avx512) forms.add(convKernelsFor_avx512());
  if (avx2) forms.add(convKernelsFor_avx2());
}
#elif defined(__aarch64__)
void addForms(Forms& forms) {
#if defined(__linux__)
  if ((getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0) forms.add(convKernelsFor_dotprod());
#else
  forms.add(convKernelsFor_dotprod());
#endif
}
#else
void addForms(Forms&) {}
#endif

const Forms& forms() {
  static const Forms found = [] {
    Forms all;
    addForms(all);
    all.add(convKernelsFor_baseline());
    return all;
  }();
  return found;
}

}  // namespace

const ConvKernels* convKernels(const char* name) {
  if (name[0] == '\0') return forms().kernels[0];
  for (int i = 0; i < forms().count; ++i) {
    if (std::strcmp(forms().names[i], name) == 0) return forms().kernels[i];
  }
  return nullptr;
}

const char* const* convInstructionSets() { return forms().names.data(); }

}  // namespace qpvo::conv
