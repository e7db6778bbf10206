// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "runtime/context.hpp"

// What the JSON records of the program share.

namespace qpvo::gpu {

/// A JSON string.
std::string quoted(const std::string& text);

/// The GPU, driver and CUDA, and whether it is the emulation, as a JSON object.
std::string describeDevice(const cuda::Context& context);

/// Nothing for an empty path. @throws Error QPVO_OUTPUT when it cannot be written
void writeRecord(const std::string& path, const std::string& text);

}  // namespace qpvo::gpu
