// SPDX-License-Identifier: MIT
#pragma once

namespace qpvo::simd {

/// What this processor can run: the sets of instructions that kernels are compiled for.
struct Processor {
  bool avx2 = false;        ///< with FMA
  bool avxVnni = false;     ///< avx2, and products of bytes on 256 bits
  bool avx512 = false;      ///< F, VL, DQ and BW
  bool avx512Vnni = false;  ///< avx512, and products of bytes
  bool amx = false;         ///< avx512Vnni, and matrix registers for bytes, which the system must permit as well
  bool dotProduct = false;  ///< of arm64
};

const Processor& processor();

}  // namespace qpvo::simd
