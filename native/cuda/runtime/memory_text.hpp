// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>

namespace qpvo::cuda {

/// "12 MB" (10^6 bytes), rounded up.
std::string megabytes(std::size_t bytes);

/// What the calling thread's GPU has, for messages: "the GPU has 12 MB free of 8192 MB". Throws nothing, whatever state the GPU is in.
std::string freeMemoryText();

}  // namespace qpvo::cuda
