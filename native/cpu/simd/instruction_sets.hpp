// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "qpvo/error.hpp"

namespace qpvo::simd {

/// The forms of one family of kernels that this processor runs, best first. Kernels: a table with its `name`.
template <typename Kernels>
class InstructionSets {
 public:
  explicit InstructionSets(std::vector<const Kernels*> runnable) : runnable_(std::move(runnable)) {}

  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const Kernels* kernels : runnable_) names.emplace_back(kernels->name);
    return names;
  }

  /// The kernels of one of them; '' is the best. @throws QPVO_INTERNAL when this processor does not run it
  const Kernels& named(const std::string& name) const {
    std::string here;
    for (const Kernels* kernels : runnable_) {
      if (name.empty() || name == kernels->name) return *kernels;
      here += (here.empty() ? "" : ", ") + std::string(kernels->name);
    }
    throw Error("QPVO_INTERNAL", "instruction set: expected one that this processor can run (" + here + "), but received " + name + ".");
  }

 private:
  std::vector<const Kernels*> runnable_;
};

}  // namespace qpvo::simd
