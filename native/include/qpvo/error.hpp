// SPDX-License-Identifier: MIT
#pragma once

#include <stdexcept>
#include <string>

namespace qpvo {

/// An error with one of the codes of src/error.ts; becomes a rejected promise.
class Error : public std::runtime_error {
 public:
  Error(std::string code, const std::string& message) : std::runtime_error(message), code_(std::move(code)) {}
  const std::string& code() const { return code_; }

 private:
  std::string code_;
};

}  // namespace qpvo
