// SPDX-License-Identifier: MIT
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <map>

#include "cases.hpp"
#include "check_cases.hpp"
#include "golden.hpp"
#include "qpvo/error.hpp"
#include "time_cases.hpp"

namespace {

using namespace qpvo::gpu;

constexpr const char* kUsage =
    "qpvo_gpu_bench check [--only text] [--golden folder of a model] [--full]   every op against its CPU form, exit 1 when one differs\n"
    "qpvo_gpu_bench time [--only text] [--runs 50] [--commit hash] [--json file]   milliseconds, bytes, operations, against what the GPU reaches\n"
    "qpvo_gpu_bench list   the cases\n"
    "All take [--device 0]. Exit codes: 1 failed, 2 usage, 3 no GPU that can be used.\n";

/// Options of the command line by name; a flag is "on".
using Arguments = std::map<std::string, std::string>;

Arguments readArguments(int count, char** texts) {
  Arguments read{{"--device", "0"}, {"--only", ""}, {"--runs", "50"}, {"--commit", ""}, {"--json", ""}, {"--golden", ""}, {"--full", ""}};
  for (int i = 2; i < count; ++i) {
    const std::string name = texts[i];
    if (read.count(name) == 0) throw qpvo::Error("QPVO_USAGE", "Expected an option of those below, but received " + name + ".");
    if (name == "--full") {
      read[name] = "on";
    } else {
      if (i + 1 == count) throw qpvo::Error("QPVO_USAGE", "Expected a value after " + name + ".");
      read[name] = texts[++i];
    }
  }
  return read;
}

int number(const Arguments& arguments, const std::string& name, int least) {
  const std::string& text = arguments.at(name);
  char* end = nullptr;
  const long value = std::strtol(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0' || value < least || value > 100'000) {
    throw qpvo::Error("QPVO_USAGE", "Expected an integer of at least " + std::to_string(least) + " after " + name + ", but received \"" + text + "\".");
  }
  return static_cast<int>(value);
}

void list() {
  for (const Case& row : allCases()) {
    std::printf("%s: %s (%s%s%s)\n", row.op.c_str(), row.name.c_str(), row.check ? "check" : "", row.check && row.prepare ? ", " : "", row.prepare ? "time" : "");
  }
}

int run(const std::string& verb, const Arguments& arguments) {
  if (verb == "list") {
    list();
    return 0;
  }
  if (verb != "check" && verb != "time") throw qpvo::Error("QPVO_USAGE", "Expected check, time or list, but received \"" + verb + "\".");
  qpvo::cuda::Context context(number(arguments, "--device", 0));
  if (verb == "time") {
    timeCases(allCases(), context, {arguments.at("--only"), arguments.at("--commit"), arguments.at("--json"), number(arguments, "--runs", 1)});
    return 0;
  }
  Table table = allCases();
  if (!arguments.at("--golden").empty()) addGoldenCases(table, arguments.at("--golden"));
  return checkCases(table, context, arguments.at("--only"), !arguments.at("--full").empty()) ? 0 : 1;
}

}  // namespace

int main(int count, char** texts) {
  try {
    return run(count > 1 ? texts[1] : "", readArguments(count, texts));
  } catch (const qpvo::Error& error) {
    std::fprintf(stderr, "%s: %s\n", error.code().c_str(), error.what());
    if (error.code() == "QPVO_USAGE") std::fputs(kUsage, stderr);
    return error.code() == "QPVO_USAGE" ? 2 : error.code() == "QPVO_NO_DEVICE" ? 3 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
