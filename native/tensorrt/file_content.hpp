// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace qpvo::tensorrt {

/// @throws Error QPVO_ENGINE when the file cannot be read
std::vector<char> readFile(const std::string& path);

/// The same; empty when there is no such file.
std::vector<char> readFileIfAny(const std::string& path);

/// Puts the whole content in the file's place in one step, or leaves what was there. @throws Error QPVO_ENGINE
void replaceFile(const std::string& path, const std::vector<char>& content);

}  // namespace qpvo::tensorrt
