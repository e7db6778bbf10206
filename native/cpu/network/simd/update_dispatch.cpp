// SPDX-License-Identifier: MIT
#include "update_dispatch.hpp"

#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "../../simd/processor.hpp"

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
  [[maybe_unused]] const simd::Processor& here = simd::processor();
#if defined(__x86_64__)
  if (here.amx && mayUseMatrixRegisters()) found.push_back(&updateKernelsFor_amx());
  if (here.avx512Vnni) found.push_back(&updateKernelsFor_avx512vnni());
  if (here.avx512) found.push_back(&updateKernelsFor_avx512());
  if (here.avxVnni) found.push_back(&updateKernelsFor_avxvnni());
  if (here.avx2) found.push_back(&updateKernelsFor_avx2());
#elif defined(__aarch64__)
  if (here.dotProduct) found.push_back(&updateKernelsFor_dotprod());
#endif
  found.push_back(&updateKernelsFor_baseline());
  return found;
}

}  // namespace

const simd::InstructionSets<UpdateKernels>& updateKernels() {
  static const simd::InstructionSets<UpdateKernels> found(runnable());
  return found;
}

std::vector<std::string> updateInstructionSets() { return updateKernels().names(); }

}  // namespace qpvo::network
