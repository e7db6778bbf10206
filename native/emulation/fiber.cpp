// SPDX-License-Identifier: MIT
#include "fiber.hpp"

#include <sys/mman.h>

#include <cstdint>
#include <new>

// A switch saves what the calling conventions say a function keeps (System V x86-64: rbx, rbp, r12-r15; AAPCS64: x19-x30, d8-d15) and changes the stack pointer.
#if defined(__x86_64__)
asm(R"(
.text
.p2align 4
.type qpvo_emulation_switch, @function
qpvo_emulation_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size qpvo_emulation_switch, .-qpvo_emulation_switch
)");
#elif defined(__aarch64__)
asm(R"(
.text
.p2align 4
.type qpvo_emulation_switch, %function
qpvo_emulation_switch:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
.size qpvo_emulation_switch, .-qpvo_emulation_switch
)");
#else
#error "The emulation switches fibers on x86-64 and aarch64: add the registers that this processor's calling convention keeps."
#endif

namespace qpvo::emulation {

extern "C" void qpvo_emulation_switch(Fiber* from, Fiber to);

namespace {

constexpr std::size_t kPage = 4096;
#ifdef __SANITIZE_ADDRESS__
constexpr std::size_t kUsable = 64 * kPage;
#else
constexpr std::size_t kUsable = 16 * kPage;
#endif
constexpr std::size_t kStride = kUsable + kPage;
constexpr std::size_t kPerSlab = 128;
/// Stacks begin at different places of their page, so that the frames of many fibers do not fight for the same lines of the caches.
constexpr std::size_t kColours = 15, kColourBytes = 256;

#if defined(__x86_64__)
constexpr std::size_t kKept = 6, kReturn = 6, kWords = 8;
#else
constexpr std::size_t kKept = 20, kReturn = 11, kWords = 20;
#endif

}  // namespace

void switchFiber(Fiber& from, Fiber to) { qpvo_emulation_switch(&from, to); }

std::size_t Stacks::usableBytes() { return kUsable; }

void* Stacks::bottom(std::size_t number) const { return slabs_[number / kPerSlab] + number % kPerSlab * kStride + kPage; }

void Stacks::grow() {
  void* const slab = mmap(nullptr, kPerSlab * kStride, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (slab == MAP_FAILED) throw std::bad_alloc();
  slabs_.push_back(static_cast<unsigned char*>(slab));
  for (std::size_t i = 0; i < kPerSlab; ++i) mprotect(slabs_.back() + i * kStride, kPage, PROT_NONE);
}

Fiber Stacks::begin(std::size_t number, void (*entry)()) {
  while (number / kPerSlab >= slabs_.size()) grow();
  auto* const top = static_cast<unsigned char*>(bottom(number)) + kUsable - number % kColours * kColourBytes;
  auto* const frame = reinterpret_cast<std::uintptr_t*>(top) - kWords;
  for (std::size_t i = 0; i < kKept; ++i) frame[i] = 0;
  frame[kReturn] = reinterpret_cast<std::uintptr_t>(entry);
  return frame;
}

bool Stacks::isGuard(const void* address) const {
  for (const unsigned char* slab : slabs_) {
    const auto offset = reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(slab);
    if (offset < kPerSlab * kStride) return offset % kStride < kPage;
  }
  return false;
}

}  // namespace qpvo::emulation
