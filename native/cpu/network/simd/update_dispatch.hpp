// SPDX-License-Identifier: MIT
#pragma once

#include "../../simd/instruction_sets.hpp"
#include "update_kernels.hpp"

namespace qpvo::network {

/// updateInstructionSets() of qpvo/network/update.hpp has their names.
const simd::InstructionSets<UpdateKernels>& updateKernels();

}  // namespace qpvo::network
