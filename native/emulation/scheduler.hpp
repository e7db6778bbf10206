// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace qpvo::emulation {

/// For the message about a fault of memory.
bool isStackGuard(const void* address);
std::string runningPlace();

}  // namespace qpvo::emulation
