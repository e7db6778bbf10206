// SPDX-License-Identifier: MIT
#include "event_lines.hpp"

#include <cstdio>
#include <mutex>

namespace qpvo::tensorrt {

namespace {

/// Length of the UTF-8 sequence that starts here, 0 when there is none.
std::size_t sequence(const std::string& text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  const std::size_t length = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
  if (length == 0 || at + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) return 0;
  }
  return length;
}

}  // namespace

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = sequence(text, at);
    const char first = text[at];
    if (length == 0) {
      out += "\xef\xbf\xbd";
    } else if (first == '"' || first == '\\') {
      (out += '\\') += first;
    } else if (length == 1 && static_cast<unsigned char>(first) < 0x20) {
      char escaped[7];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(first));
      out += escaped;
    } else {
      out.append(text, at, length);
    }
    at += length == 0 ? 1 : length;
  }
  return out += '"';
}

void printEvent(const char* event, const EventFields& fields) {
  std::string line = "{\"event\":" + quoted(event);
  for (const auto& [name, value] : fields) {
    line.append(",").append(quoted(name)).append(":");
    line += std::holds_alternative<long long>(value) ? std::to_string(std::get<long long>(value)) : quoted(std::get<std::string>(value));
  }
  line += "}\n";
  static std::mutex mutex;
  const std::scoped_lock lock(mutex);
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fflush(stdout);
}

}  // namespace qpvo::tensorrt
