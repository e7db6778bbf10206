// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "update_kernels.hpp"

namespace qpvo::network {

// updateInstructionSets() is declared in qpvo/network/update.hpp.

/// The kernels of one of them; '' is the best.
/// @throws QPVO_INTERNAL when this processor does not run it
const UpdateKernels& updateKernels(const std::string& instructionSet);

}  // namespace qpvo::network
