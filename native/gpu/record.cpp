// SPDX-License-Identifier: MIT
#include "record.hpp"

#include <fstream>
#include <sstream>

#include "orders.hpp"
#include "qpvo/error.hpp"
#include "runtime/check.hpp"

namespace qpvo::gpu {

std::string quoted(const std::string& text) {
  std::string escaped = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') escaped += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) escaped += c;
  }
  return escaped + "\"";
}

std::string describeDevice(const cuda::Context& context) {
  cudaDeviceProp properties{};
  int driver = 0, runtime = 0;
  cuda::check(cudaGetDeviceProperties(&properties, context.device()), "reading what the GPU is");
  cuda::check(cudaDriverGetVersion(&driver), "reading the version of the driver");
  cuda::check(cudaRuntimeGetVersion(&runtime), "reading the version of CUDA");
  std::ostringstream text;
  text << "{\"name\": " << quoted(properties.name) << ", \"computeCapability\": " << context.computeCapability() << ", \"multiprocessors\": " << context.multiprocessors()
       << ", \"memoryBytes\": " << properties.totalGlobalMem << ", \"driver\": " << driver << ", \"cuda\": " << runtime << ", \"emulated\": " << (kEmulated ? "true" : "false") << "}";
  return text.str();
}

void writeRecord(const std::string& path, const std::string& text) {
  if (path.empty()) return;
  std::ofstream file(path);
  file << text;
  file.close();
  if (!file) throw Error("QPVO_OUTPUT", "Expected to write " + path + ", but it failed: is there such a folder, and room?");
}

}  // namespace qpvo::gpu
