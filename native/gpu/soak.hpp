// SPDX-License-Identifier: MIT
#pragma once

#include "time_frames.hpp"

namespace qpvo::gpu {

/// Runs frames of the steady state, prints what memory did meanwhile and writes the record. Returns whether host and device memory stayed flat.
/// @throws Error QPVO_OUTPUT when the record cannot be written
bool soak(cuda::Context& context, const FrameOptions& options);

}  // namespace qpvo::gpu
