// SPDX-License-Identifier: MIT
#include "session.hpp"

#include <algorithm>

#include "qpvo/error.hpp"

namespace qpvo::tensorrt {

namespace {

std::string textOf(const EngineTensor& tensor) {
  std::string text = tensor.isInput ? "input " : "output ";
  text += tensor.name + (tensor.element == Element::fp32 ? " fp32" : tensor.element == Element::fp16 ? " fp16" : " int32");
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) text.append(i == 0 ? " " : "x").append(std::to_string(tensor.shape[i]));
  return text;
}

[[noreturn]] void unfit(const std::string& engine, const std::string& expected, const std::string& received) {
  throw Error("QPVO_ENGINE", "The TensorRT engine of the graph " + engine + " does not fit this run: expected " + expected + ", but received " + received + ". " +
                                 kBuildAgain);
}

}  // namespace

const EngineTensor& tensorOf(const Session& session, const std::string& engine, const std::string& name) {
  const auto& tensors = session.tensors();
  const auto found = std::find_if(tensors.begin(), tensors.end(), [&](const EngineTensor& tensor) { return tensor.name == name; });
  if (found == tensors.end()) unfit(engine, "a tensor " + name, "none");
  return *found;
}

void requireTensors(const Session& session, const std::string& engine, const std::vector<EngineTensor>& expected) {
  for (const EngineTensor& wanted : expected) {
    const EngineTensor& found = tensorOf(session, engine, wanted.name);
    const bool isSame = found.isInput == wanted.isInput && found.element == wanted.element && found.shape == wanted.shape;
    if (!isSame) unfit(engine, textOf(wanted), textOf(found));
  }
  if (session.tensors().size() != expected.size()) {
    unfit(engine, std::to_string(expected.size()) + " inputs and outputs", std::to_string(session.tensors().size()));
  }
}

}  // namespace qpvo::tensorrt
