// SPDX-License-Identifier: MIT
#include "logger.hpp"

#include <utility>

#include "out_of_memory.hpp"

namespace qpvo::tensorrt {

namespace {

constexpr std::size_t kMostErrorText = 2000;

}  // namespace

void Logger::log(Severity severity, const char* text) noexcept {
  try {
    if (severity == Severity::kWARNING && onWarning_) onWarning_(text);
    if (severity != Severity::kERROR && severity != Severity::kINTERNAL_ERROR) return;
    const std::scoped_lock lock(mutex_);
    endsSo_ = tellsOutOfMemory(text);
    isOutOfMemory_ = isOutOfMemory_ || endsSo_;
    if (!errors_.empty()) errors_ += "; ";
    errors_ += text;
    if (errors_.size() > kMostErrorText) errors_.erase(0, errors_.size() - kMostErrorText);
  } catch (...) {
    // Out of memory for a message: TensorRT takes no exception.
  }
}

Failure Logger::takeErrors() {
  const std::scoped_lock lock(mutex_);
  return {errors_.empty() ? "no reason given" : std::exchange(errors_, {}), std::exchange(isOutOfMemory_, false), std::exchange(endsSo_, false)};
}

}  // namespace qpvo::tensorrt
