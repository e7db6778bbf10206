// SPDX-License-Identifier: MIT
#include "update_dispatch.hpp"

#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

#include "qpvo/error.hpp"

namespace qpvo::network {

const UpdateKernels& updateKernelsFor_baseline();
#if defined(__x86_64__)
const UpdateKernels& updateKernelsFor_avx2();
const UpdateKernels& updateKernelsFor_avxvnni();
const UpdateKernels& updateKernelsFor_avx512();
const UpdateKernels& updateKernelsFor_avx512vnni();
const UpdateKernels& updateKernelsFor_amx();
#elif defined(__aarch64__)
const UpdateKernels& updateKernelsFor_dotprod();
#endif

namespace {

#if defined(__x86_64__)
/// Whether the system lets this process use the matrix registers, which it keeps off until asked.
bool mayUseMatrixRegisters() {
#if defined(__linux__)
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}
#endif

std::vector<const UpdateKernels*> runnable() {
  std::vector<const UpdateKernels*> found;
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
  const bool avx512vnni = avx512 && __builtin_cpu_supports("avx512vnni");
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool amx = avx512vnni && __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-int8");
  if (amx && mayUseMatrixRegisters()) found.push_back(&updateKernelsFor_amx());
  if (avx512vnni) found.push_back(&updateKernelsFor_avx512vnni());
  if (avx512) found.push_back(&updateKernelsFor_avx512());
  if (avx2 && __builtin_cpu_supports("avxvnni")) found.push_back(&updateKernelsFor_avxvnni());
  if (avx2) found.push_back(&updateKernelsFor_avx2());
#elif defined(__aarch64__) && defined(__linux__)
  constexpr unsigned long kDotProduct = 1ul << 20;
  if ((getauxval(AT_HWCAP) & kDotProduct) != 0) found.push_back(&updateKernelsFor_dotprod());
#elif defined(__aarch64__)
  found.push_back(&updateKernelsFor_dotprod());
#endif
  found.push_back(&updateKernelsFor_baseline());
  return found;
}

const std::vector<const UpdateKernels*>& kernelsHere() {
  static const std::vector<const UpdateKernels*> found = runnable();
  return found;
}

}  // namespace

std::vector<std::string> updateInstructionSets() {
  std::vector<std::string> names;
  for (const UpdateKernels* kernels : kernelsHere()) names.emplace_back(kernels->name);
  return names;
}

const UpdateKernels& updateKernels(const std::string& instructionSet) {
  std::string here;
  for (const UpdateKernels* kernels : kernelsHere()) {
    if (instructionSet.empty() || instructionSet == kernels->name) return *kernels;
    here += here.empty() ? "" : ", ";
    here += kernels->name;
  }
  throw Error("QPVO_INTERNAL", "instruction set of the update operator: expected one that this processor runs (" + here + "), but received " + instructionSet + ".");
}

}  // namespace qpvo::network
