// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>

namespace qpvo::tensorrt {

/// Whether an error that TensorRT logged says that memory ran out. It tells that nowhere else: calls return null or false for whatever reason.
inline bool tellsOutOfMemory(std::string_view error) {
  constexpr std::array<std::string_view, 3> kWords{"out of memory", "outofmemory", "user allocator error allocating"};
  std::string text(error);
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return std::any_of(kWords.begin(), kWords.end(), [&](std::string_view words) { return text.find(words) != std::string::npos; });
}

}  // namespace qpvo::tensorrt
