// SPDX-License-Identifier: MIT
#pragma once

#include "../../simd/instruction_sets.hpp"
#include "conv_kernels.hpp"

namespace qpvo::conv {

const simd::InstructionSets<ConvKernels>& convKernels();

}  // namespace qpvo::conv
