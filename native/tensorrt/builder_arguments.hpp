// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "plan_builder.hpp"

namespace qpvo::tensorrt {

/// What the program is asked to do.
struct BuilderArguments {
  bool isBuild = false;  ///< else the machine is reported
  int device = 0;
  std::string onnx, plan, timings;  ///< files
  std::vector<NamedShape> inputs;
  int dlaCore = -1;
  int level = 3;
  std::size_t workspaceMb = 1024;
};

/// `probe [--device n]`, or `build --onnx file --plan file --timings file --input name=1x2x3 ... [--dla n] [--level n] [--workspace-mb n] [--device n]`.
/// @throws Error QPVO_USAGE
BuilderArguments readArguments(const std::vector<std::string>& arguments);

}  // namespace qpvo::tensorrt
