// SPDX-License-Identifier: MIT
// The program qpvo_engine: tells what TensorRT and the GPU are, or builds a plan. A process of its own, since a build takes minutes, much memory, and may crash. It tells
// what happens as lines of JSON on standard output (src/tensorrt/builderProcess.ts reads them), and writes files whole or not at all.
#include <atomic>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "builder_arguments.hpp"
#include "event_lines.hpp"
#include "file_content.hpp"
#include "plan_builder.hpp"
#include "qpvo/error.hpp"

namespace {

using namespace qpvo::tensorrt;

/// Exit codes; that of a build that was ended is the convention of shells.
constexpr int kDone = 0, kFailed = 1, kEnded = 130;

std::atomic<bool> isEnded{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may set it");

void end(int) { isEnded = true; }

/// Whether nobody wants the plan any more: a signal came, or who reads the events is gone.
bool mustEnd() { return isEnded || std::ferror(stdout) != 0; }

/// Prints the phases, and ends the build when it must.
class PrintingListener final : public BuildListener {
 public:
  void phase(const std::string& name, const std::string& parent, int steps) override {
    printEvent("phase", {{"name", name}, {"parent", parent}, {"steps", steps}});
  }
  bool step(const std::string& name, int step) override {
    printEvent("step", {{"name", name}, {"step", step}});
    return !mustEnd();
  }
  void finish(const std::string& name) override { printEvent("finish", {{"name", name}}); }
  void warning(const std::string& text) override { printEvent("warning", {{"text", text}}); }
};

void report(PlanBuilder& builder) {
  const Machine machine = builder.machine();
  printEvent("machine", {{"tensorrt", machine.tensorrt},
                         {"cuda", machine.cuda},
                         {"device", machine.device},
                         {"computeCapability", machine.computeCapability},
                         {"dlaCores", machine.dlaCores}});
}

void build(PlanBuilder& builder, const BuilderArguments& arguments) {
  const BuildOrder order{readFile(arguments.onnx), readFileIfAny(arguments.timings), arguments.inputs, arguments.dlaCore, arguments.level, arguments.workspaceMb << 20};
  PrintingListener listener;
  const Built built = builder.build(order, listener);
  replaceFile(arguments.plan, built.plan);
  printEvent("plan", {{"bytes", static_cast<long long>(built.plan.size())}});
  if (built.timings.empty()) return;
  try {
    replaceFile(arguments.timings, built.timings);
  } catch (const qpvo::Error& error) {
    // They only make the next build faster.
    listener.warning(error.what());
  }
}

int fail(const std::string& code, const std::string& text) {
  if (mustEnd()) return kEnded;
  printEvent("error", {{"code", code}, {"text", text}});
  return kFailed;
}

}  // namespace

int main(int count, char** values) {
  std::signal(SIGTERM, end);
  std::signal(SIGINT, end);
  // A reader that is gone shows at the next step, not as a signal in the middle of a file.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    const BuilderArguments arguments = readArguments(std::vector<std::string>(values + 1, values + count));
    const auto builder = makePlanBuilder(arguments.device);
    if (arguments.isBuild) {
      build(*builder, arguments);
    } else {
      report(*builder);
    }
    return kDone;
  } catch (const qpvo::Error& error) {
    return fail(error.code(), error.what());
  } catch (const std::exception& error) {
    return fail("QPVO_INTERNAL", error.what());
  }
}
