// SPDX-License-Identifier: MIT
#include "builder_arguments.hpp"

#include <algorithm>
#include <charconv>

#include "qpvo/error.hpp"

namespace qpvo::tensorrt {

namespace {

[[noreturn]] void refuse(const std::string& option, const std::string& expected, const std::string& received) {
  throw Error("QPVO_USAGE", option + ": expected " + expected + ", but received \"" + received + "\".");
}

template <class T>
T number(const std::string& option, const std::string& text, T least) {
  T value{};
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || end != text.data() + text.size() || value < least) refuse(option, "a whole number of at least " + std::to_string(least), text);
  return value;
}

NamedShape namedShape(const std::string& text) {
  const std::size_t at = text.find('=');
  if (at == std::string::npos || at == 0) refuse("--input", "name=1x2x3", text);
  NamedShape shape{text.substr(0, at), {}};
  for (std::size_t start = at + 1; start <= text.size();) {
    const std::size_t end = std::min(text.find('x', start), text.size());
    shape.lengths.push_back(number<std::int64_t>("--input", text.substr(start, end - start), 1));
    start = end + 1;
  }
  return shape;
}

void take(BuilderArguments& to, const std::string& option, const std::string& value) {
  if (option == "--device") {
    to.device = number(option, value, 0);
  } else if (option == "--onnx") {
    to.onnx = value;
  } else if (option == "--plan") {
    to.plan = value;
  } else if (option == "--timings") {
    to.timings = value;
  } else if (option == "--input") {
    to.inputs.push_back(namedShape(value));
  } else if (option == "--dla") {
    to.dlaCore = number(option, value, -1);
  } else if (option == "--level") {
    to.level = number(option, value, 0);
  } else if (option == "--workspace-mb") {
    to.workspaceMb = number<std::size_t>(option, value, 1);
  } else {
    refuse("option", "one of the builder", option);
  }
}

}  // namespace

BuilderArguments readArguments(const std::vector<std::string>& arguments) {
  const std::string task = arguments.empty() ? "" : arguments.front();
  if (task != "probe" && task != "build") refuse("task", "probe or build", task);
  BuilderArguments result;
  result.isBuild = task == "build";
  for (std::size_t i = 1; i < arguments.size(); i += 2) {
    if (i + 1 == arguments.size()) refuse(arguments[i], "a value", "");
    take(result, arguments[i], arguments[i + 1]);
  }
  if (result.isBuild && (result.onnx.empty() || result.plan.empty() || result.timings.empty())) refuse("build", "--onnx, --plan and --timings", "not all of them");
  return result;
}

}  // namespace qpvo::tensorrt
