// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace qpvo::gpu {

/// A JSON value: as much of the format as headers of .safetensors files and manifests use.
struct Json {
  enum class Kind { none, boolean, number, text, list, object } kind = Kind::none;
  double number = 0.0;
  std::string text;
  std::vector<Json> list;
  std::map<std::string, Json> object;

  /// The member of that name. @throws Error QPVO_MODEL when there is none
  const Json& at(const std::string& name) const;
};

/// @throws Error QPVO_MODEL for text that is no JSON, or with escapes of code points
Json parseJson(std::string_view text, const std::string& path);

}  // namespace qpvo::gpu
