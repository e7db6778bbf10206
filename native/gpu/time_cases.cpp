// SPDX-License-Identifier: MIT
#include "time_cases.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "ceilings.hpp"
#include "check_cases.hpp"
#include "orders.hpp"
#include "qpvo/error.hpp"
#include "runtime/check.hpp"
#include "stopwatch.hpp"

namespace qpvo::gpu {

namespace {

/// One row, timed. The floor is what the row needs at least at the ceilings of this GPU.
struct Timed {
  std::string op, name;
  double median, p99;  ///< ms
  double floor;        ///< ms
  double bytes, operations;
  std::size_t peakBytes;
};

double ceilingOf(const Ceilings& ceilings, Arithmetic arithmetic) {
  switch (arithmetic) {
    case Arithmetic::halfTensorCores: return ceilings.halfPerSecond;
    case Arithmetic::byteTensorCores: return ceilings.bytePerSecond;
    case Arithmetic::fp32: break;
  }
  return ceilings.fp32PerSecond;
}

Timed timeRow(const Case& row, cuda::Context& context, const Ceilings& ceilings, int runs) {
  cuda::resetPeak();
  const Work work = row.prepare(context);
  const std::size_t peak = cuda::peakBytes().device;
  const auto times = measure(context, work.enqueue, runs);
  const double floor = 1e3 * std::max(work.bytes / ceilings.bytesPerSecond, work.operations / ceilingOf(ceilings, work.arithmetic));
  return {row.op, row.name, medianOf(times), quantileOf(times, 0.99), floor, work.bytes, work.operations, peak};
}

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

std::string describe(const Timed& row) {
  const double seconds = 1e-3 * row.median;
  std::ostringstream text;
  text << "    {\"op\": " << quoted(row.op) << ", \"case\": " << quoted(row.name) << ", \"medianMs\": " << row.median << ", \"p99Ms\": " << row.p99 << ", \"floorMs\": " << row.floor
       << ", \"timesFloor\": " << row.median / row.floor << ", \"bytes\": " << row.bytes << ", \"bytesPerSecond\": " << row.bytes / seconds << ", \"operations\": " << row.operations
       << ", \"operationsPerSecond\": " << row.operations / seconds << ", \"peakDeviceBytes\": " << row.peakBytes << "}";
  return text.str();
}

void write(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  file.close();
  if (!file) throw Error("QPVO_OUTPUT", "Expected to write " + path + ", but it failed: is there such a folder, and room?");
}

}  // namespace

void timeCases(const Table& table, cuda::Context& context, const TimeOptions& options) {
  const Ceilings ceilings = measureCeilings(context);
  std::printf("ceilings: %.0f GB/s, fp32 %.1f TFLOP/s, fp16 tensor cores %.1f TFLOP/s, int8 tensor cores %.1f TOP/s\n", 1e-9 * ceilings.bytesPerSecond,
              1e-12 * ceilings.fp32PerSecond, 1e-12 * ceilings.halfPerSecond, 1e-12 * ceilings.bytePerSecond);
  std::printf("%-60s %10s %10s %8s %10s %10s\n", "case", "median ms", "p99 ms", "x floor", "GB/s", "GFLOP/s");
  std::ostringstream record;
  record << "{\n  \"commit\": " << quoted(options.commit) << ",\n  \"device\": " << describeDevice(context) << ",\n  \"runs\": " << options.runs << ",\n  \"ceilings\": {\"bytesPerSecond\": "
         << ceilings.bytesPerSecond << ", \"fp32PerSecond\": " << ceilings.fp32PerSecond << ", \"halfPerSecond\": " << ceilings.halfPerSecond << ", \"bytePerSecond\": " << ceilings.bytePerSecond
         << "},\n  \"cases\": [\n";
  const char* separator = "";
  for (const Case& row : table) {
    if (!row.prepare || !isNamed(row, options.only)) continue;
    const Timed timed = timeRow(row, context, ceilings, options.runs);
    std::printf("%-60s %10.4f %10.4f %8.1f %10.1f %10.1f\n", (row.op + ": " + row.name).c_str(), timed.median, timed.p99, timed.median / timed.floor, 1e-6 * timed.bytes / timed.median,
                1e-6 * timed.operations / timed.median);
    std::fflush(stdout);
    record << separator << describe(timed);
    separator = ",\n";
  }
  record << "\n  ]\n}\n";
  if (!options.json.empty()) write(options.json, record.str());
}

}  // namespace qpvo::gpu
