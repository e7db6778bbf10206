// SPDX-License-Identifier: MIT
// Stands in for TensorRT behind plan_builder.hpp. What it does is said by a word in QPVO_DOUBLE_BUILD, else by that in front of the "graph":
//   refuse   TensorRT's refusal of a graph, in words with quotation marks, a line break and a byte that is no UTF-8
//   starve   memory that runs out
//   crash    a segmentation fault in the middle of a build
//   slow     a build of a hundred steps of 50 ms
//   (other)  a plan that says what it was built from: inputs, options, and how long the timings were that it got
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <sstream>
#include <thread>

#include "qpvo/error.hpp"
#include "tensorrt/plan_builder.hpp"

namespace qpvo::tensorrt {

namespace {

std::string setting(const char* name, const std::string& otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

class DoublePlanBuilder final : public PlanBuilder {
 public:
  Machine machine() override { return {setting("QPVO_DOUBLE_TENSORRT", "10.3.0.26"), 12060, "Orin \"double\"", "8.7", 2}; }

  Built build(const BuildOrder& order, BuildListener& listener) override {
    const std::string task = setting("QPVO_DOUBLE_BUILD", {order.onnx.begin(), order.onnx.end()});
    listener.phase("Building engine", "", 2);
    listener.phase("Timing layers", "Building engine", 100);
    if (task.starts_with("refuse")) throw Error("QPVO_ENGINE", "TensorRT refuses the graph: no \"Frobnicate\"\n(node 3) \xff.");
    if (task.starts_with("starve")) throw Error("QPVO_OUT_OF_MEMORY", "TensorRT builds no engine: the GPU has 9 MB free of 64 MB.");
    if (task.starts_with("crash")) std::raise(SIGSEGV);
    for (int step = 0; step < 100; ++step) {
      if (task.starts_with("slow")) std::this_thread::sleep_for(std::chrono::milliseconds(50));
      if (!listener.step("Timing layers", step)) throw Error("QPVO_ENGINE", "TensorRT builds no engine: ended.");
    }
    listener.warning("one layer falls back");
    listener.finish("Timing layers");
    listener.step("Building engine", 1);
    listener.finish("Building engine");
    std::ostringstream plan;
    for (const NamedShape& input : order.inputs) {
      plan << input.name;
      for (const auto length : input.lengths) plan << ' ' << length;
      plan << '\n';
    }
    plan << "dla " << order.dlaCore << " level " << order.level << " workspace " << order.workspaceBytes;
    plan << " timings " << order.timings.size() << " graph " << order.onnx.size();
    const std::string text = plan.str();
    return {{text.begin(), text.end()}, std::vector<char>(order.timings.size() + 3, 't')};
  }
};

}  // namespace

std::unique_ptr<PlanBuilder> makePlanBuilder(int device) {
  if (device != 0) throw Error("QPVO_NO_DEVICE", "no GPU " + std::to_string(device));
  return std::make_unique<DoublePlanBuilder>();
}

}  // namespace qpvo::tensorrt
