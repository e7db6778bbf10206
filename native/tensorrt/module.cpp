// SPDX-License-Identifier: MIT
#include "module.hpp"

#include <dlfcn.h>

#include "qpvo/error.hpp"

namespace qpvo::tensorrt {

namespace {

[[noreturn]] void unusable(const std::string& path, const std::string& received) {
  throw Error("QPVO_ENGINE", "TensorRT cannot be used: expected the module " + path + ", but received " + received +
                                 ". Install TensorRT and build qpvo (npm run build), or take a profile without TensorRT.");
}

std::string linkerWords() {
  const char* words = dlerror();
  return words == nullptr ? "no reason given" : words;
}

}  // namespace

Module Module::load(const std::string& path) {
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) unusable(path, linkerWords());
  using Entry = const ModuleTable* (*)();
  const auto entry = reinterpret_cast<Entry>(dlsym(library, kModuleSymbol));
  if (entry == nullptr) unusable(path, "another library");
  const ModuleTable* const table = entry();
  if (table->surface != kModuleSurface) unusable(path, "one of another version of qpvo");
  table->countIn(cuda::tally());
  return Module(table);
}

}  // namespace qpvo::tensorrt
