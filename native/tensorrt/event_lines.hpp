// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace qpvo::tensorrt {

/// The fields of one event beside its name, in their order.
using EventFields = std::vector<std::pair<const char*, std::variant<long long, std::string>>>;

/// An event as one line of JSON on standard output, written at once.
void printEvent(const char* event, const EventFields& fields);

/// A text in JSON's quotation marks. Bytes that are no UTF-8 become the replacement character.
std::string quoted(const std::string& text);

}  // namespace qpvo::tensorrt
