// SPDX-License-Identifier: MIT
#include <cstdio>
#include <exception>

#include "arguments.hpp"
#include "cases.hpp"
#include "check_cases.hpp"
#include "golden.hpp"
#include "memory_growth.hpp"
#include "orders.hpp"
#include "qpvo/error.hpp"
#include "soak.hpp"
#include "time_cases.hpp"

namespace {

using namespace qpvo::gpu;

constexpr const char* kUsage =
    "qpvo_gpu_bench check [--only text] [--golden folder of a model [--engines folder --module qpvo_tensorrt.so]] [--full | --small]   every op against its CPU form, exit 1 when one differs\n"
    "  --engines: also <precision>/<features, context, update>.plan of TensorRT, built for the lengths of the model's golden tensors\n"
    "  --full: also the rows too large for the emulation in it; --small: without these on a GPU, as under a sanitizer\n"
    "qpvo_gpu_bench time [--only text] [--runs 50]   milliseconds, bytes, operations of every op, against what the GPU reaches\n"
    "qpvo_gpu_bench frame [run] [--frames 500]   whole frames of the steady state and their stages, random weights\n"
    "qpvo_gpu_bench soak [run] [--frames 20000]   host and device memory meanwhile, exit 1 unless they stay flat\n"
    "qpvo_gpu_bench list   the cases\n"
    "A run: [--network base | small] [--windows default | fast | patches/removal/optimization/lifetime] [--size 752x480] [--precision fp16 | int8 | fp32].\n"
    "time, frame and soak take [--commit hash] [--json file], all take [--device 0]. Exit codes: 1 failed, 2 usage, 3 no GPU that can be used.\n";

void list() {
  for (const Case& row : allCases()) {
    std::printf("%s: %s (%s%s%s)\n", row.op.c_str(), row.name.c_str(), row.check ? "check" : "", row.check && row.prepare ? ", " : "", row.prepare ? "time" : "");
  }
}

bool check(const Arguments& arguments, qpvo::cuda::Context& context) {
  Table table = allCases();
  const std::string &golden = arguments.text("--golden"), &engines = arguments.text("--engines"), &module = arguments.text("--module");
  if (!golden.empty()) addGoldenCases(table, golden);
  if (engines.empty() != module.empty() || (!engines.empty() && golden.empty())) {
    throw qpvo::Error("QPVO_USAGE", "Expected --engines and --module together, and --golden with them, but received some of them.");
  }
  if (!engines.empty()) addEngineCases(table, golden, engines, module);
  const bool withLarge = arguments.isOn("--full") || (!kEmulated && !arguments.isOn("--small"));
  return checkCases(table, context, arguments.text("--only"), withLarge);
}

constexpr int kFrames = 500, kSoakFrames = 20'000;

FrameOptions frameOptions(const Arguments& arguments, int usualFrames, std::size_t leastFrames) {
  const int frames = arguments.text("--frames").empty() ? usualFrames : arguments.number("--frames", static_cast<int>(leastFrames));
  return {arguments.shape(), frames, arguments.text("--commit"), arguments.text("--json")};
}

int run(const std::string& verb, const Arguments& arguments) {
  if (verb == "list") {
    list();
    return 0;
  }
  const int device = arguments.number("--device", 0);
  if (verb == "check") {
    qpvo::cuda::Context context(device);
    return check(arguments, context) ? 0 : 1;
  }
  if (verb == "time") {
    const TimeOptions options{arguments.text("--only"), arguments.text("--commit"), arguments.text("--json"), arguments.number("--runs", 1)};
    qpvo::cuda::Context context(device);
    timeCases(allCases(), context, options);
    return 0;
  }
  if (verb == "frame") {
    const FrameOptions options = frameOptions(arguments, kFrames, 1);
    qpvo::cuda::Context context(device);
    timeFrames(context, options);
    return 0;
  }
  if (verb == "soak") {
    const FrameOptions options = frameOptions(arguments, kSoakFrames, kLeastSamples);
    qpvo::cuda::Context context(device);
    return soak(context, options) ? 0 : 1;
  }
  throw qpvo::Error("QPVO_USAGE", "Expected check, time, frame, soak or list, but received \"" + verb + "\".");
}

}  // namespace

int main(int count, char** texts) {
  try {
    return run(count > 1 ? texts[1] : "", Arguments(count, texts));
  } catch (const qpvo::Error& error) {
    std::fprintf(stderr, "%s: %s\n", error.code().c_str(), error.what());
    if (error.code() == "QPVO_USAGE") std::fputs(kUsage, stderr);
    return error.code() == "QPVO_USAGE" ? 2 : error.code() == "QPVO_NO_DEVICE" ? 3 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
