// SPDX-License-Identifier: MIT
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>

#include "broken_kernels.hpp"
#include "qpvo/error.hpp"
#include "runtime/copy.hpp"
#include "runtime/device_buffer.hpp"

// Whether the emulation of CUDA sees what it must see. Prints a line for each test; `touch` reads device memory on the host, which must end the program.

namespace {

using namespace qpvo;

int failures = 0;

void report(const std::string& name, const std::string& wrong) {
  std::printf("%s %s%s%s\n", wrong.empty() ? "passed" : "FAILED", name.c_str(), wrong.empty() ? "" : ": ", wrong.c_str());
  failures += !wrong.empty();
}

/// What is wrong with the text of an error.
std::string lacking(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos ? "" : "expected \"" + part + "\" in \"" + text + "\""; }

template <class Run>
std::string messageOf(Run&& run) {
  try {
    run();
  } catch (const Error& error) {
    return error.code() + " " + error.what();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "none";
}

void touchDeviceMemory() {
  const cuda::Context context(0);
  const cuda::DeviceBuffer<int> buffer(4);
  std::printf("%d\n", buffer.data()[0]);
}

}  // namespace

int main(int count, char** texts) {
  if (count > 1 && std::strcmp(texts[1], "touch") == 0) {
    touchDeviceMemory();
    return 0;
  }
  auto context = std::make_unique<cuda::Context>(0);
  for (const auto& fault : broken::brokenKernels()) report("sees " + fault.name, lacking(messageOf([&] { fault.run(*context); }), fault.message));
  for (const auto& fact : broken::emulatedFacts()) {
    std::string wrong = "not so";
    const std::string message = messageOf([&] { wrong = fact.holds(*context) ? "" : "not so"; });
    report(fact.name, message == "none" ? wrong : message);
  }
  context.reset();
  for (const auto& machine : broken::brokenMachines()) {
    const std::string message = messageOf(machine.meet);
    const std::string wrong = lacking(message, machine.code);
    report(machine.name, wrong.empty() ? lacking(message, machine.message) : wrong);
  }
  return failures == 0 ? 0 : 1;
}
