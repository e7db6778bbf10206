// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "runtime/context.hpp"

namespace qpvo::broken {

/// Something that is wrong on a GPU, and what the emulation must say about it.
struct Fault {
  std::string name, message;
  std::function<void(cuda::Context&)> run;
};
std::vector<Fault> brokenKernels();

/// Something that must be so.
struct Fact {
  std::string name;
  std::function<bool(cuda::Context&)> holds;
};
std::vector<Fact> emulatedFacts();

/// The type of a kernel's first argument, named by decltype only.
template <class First, class... Rest>
First argumentOf(void (*)(First, Rest...));

/// Errors of the runtime layer: code and a part of the message that each broken machine must give.
struct Machine {
  std::string name, code, message;
  std::function<void()> meet;
};
std::vector<Machine> brokenMachines();

}  // namespace qpvo::broken
