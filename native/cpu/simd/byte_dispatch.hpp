// SPDX-License-Identifier: MIT
#pragma once

#include "byte_kernels.hpp"
#include "instruction_sets.hpp"

namespace qpvo::simd {

const InstructionSets<ByteKernels>& byteKernels();

}  // namespace qpvo::simd
