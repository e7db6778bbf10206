// SPDX-License-Identifier: MIT
#pragma once

#include <NvInfer.h>

#include <functional>
#include <mutex>
#include <string>

namespace qpvo::tensorrt {

/// Errors of TensorRT.
struct Failure {
  std::string words;   ///< in TensorRT's own, the last ones when there were many; "no reason given" when there were none
  bool isOutOfMemory;  ///< one of them said so, also one that is left out
  bool endsSo;         ///< the last of them said so: none came after it that gives another reason
};

/// Keeps the errors of TensorRT, which tells them here and nowhere else, and passes warnings on. Called from any thread.
class Logger final : public nvinfer1::ILogger {
 public:
  /// @param onWarning may be empty
  explicit Logger(std::function<void(const std::string&)> onWarning = {}) : onWarning_(std::move(onWarning)) {}

  void log(Severity severity, const char* text) noexcept override;

  /// The errors since the last call.
  Failure takeErrors();

 private:
  std::mutex mutex_;
  std::string errors_;
  bool isOutOfMemory_ = false;
  bool endsSo_ = false;
  std::function<void(const std::string&)> onWarning_;
};

}  // namespace qpvo::tensorrt
