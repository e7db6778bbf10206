// SPDX-License-Identifier: MIT
#include "time_cases.hpp"

#include <algorithm>
#include <cstdio>
#include <sstream>

#include "ceilings.hpp"
#include "check_cases.hpp"
#include "record.hpp"
#include "recorded_work.hpp"
#include "runtime/device_buffer.hpp"
#include "stopwatch.hpp"

namespace qpvo::gpu {

namespace {

constexpr int kRepeats = 20;

/// One row, timed. The floor is what the row needs at least at the ceilings of this GPU.
struct Timed {
  std::string op, name;
  double median, p99;  ///< ms of a run, with what it reads out of the caches
  double repeated;     ///< ms of a run among kRepeats that follow each other
  bool isRecorded;     ///< replayed from a CUDA graph
  double floor;        ///< ms
  std::size_t nodes;   ///< of the graph
  double empty;        ///< ms of a graph of as many empty nodes: below it no run comes, whatever the floor
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
  RecordedWork recorded(context, work.enqueue, kRepeats);
  const auto times = measure(context, [&] { recorded.runOnce(); }, runs);
  const double repeated = medianOf(measure(context, [&] { recorded.runAll(); }, runs)) / kRepeats;
  const double floor = 1e3 * std::max(work.bytes / ceilings.bytesPerSecond, work.operations / ceilingOf(ceilings, work.arithmetic));
  cuda::Graph nothing = emptyGraph(context, recorded.nodes());
  const double empty = medianOf(measure(context, [&] { nothing.replay(context.stream()); }, runs));
  return {row.op, row.name, medianOf(times), quantileOf(times, 0.99), repeated, recorded.isRecorded(), floor, recorded.nodes(), empty, work.bytes, work.operations, peak};
}

std::string describe(const Timed& row) {
  const double seconds = 1e-3 * row.median;
  std::ostringstream text;
  text << "    {\"op\": " << quoted(row.op) << ", \"case\": " << quoted(row.name) << ", \"medianMs\": " << row.median << ", \"p99Ms\": " << row.p99 << ", \"repeatedMs\": " << row.repeated
       << ", \"recorded\": " << (row.isRecorded ? "true" : "false") << ", \"floorMs\": " << row.floor
       << ", \"timesFloor\": " << row.median / row.floor << ", \"nodes\": " << row.nodes << ", \"emptyGraphMs\": " << row.empty << ", \"bytes\": " << row.bytes << ", \"bytesPerSecond\": " << row.bytes / seconds << ", \"operations\": " << row.operations
       << ", \"operationsPerSecond\": " << row.operations / seconds << ", \"peakDeviceBytes\": " << row.peakBytes << "}";
  return text.str();
}

}  // namespace

void timeCases(const Table& table, cuda::Context& context, const TimeOptions& options) {
  const Ceilings ceilings = measureCeilings(context);
  std::printf("ceilings: %.0f GB/s, fp32 %.1f TFLOP/s, fp16 tensor cores %.1f TFLOP/s, int8 tensor cores %.1f TOP/s\n", 1e-9 * ceilings.bytesPerSecond,
              1e-12 * ceilings.fp32PerSecond, 1e-12 * ceilings.halfPerSecond, 1e-12 * ceilings.bytePerSecond);
  std::printf("%-60s %10s %10s %10s %8s %10s %10s %10s\n", "case", "median ms", "p99 ms", "repeated", "x floor", "empty ms", "GB/s", "GFLOP/s");
  std::ostringstream record;
  record << "{\n  \"commit\": " << quoted(options.commit) << ",\n  \"device\": " << describeDevice(context) << ",\n  \"runs\": " << options.runs << ",\n  \"ceilings\": {\"bytesPerSecond\": "
         << ceilings.bytesPerSecond << ", \"fp32PerSecond\": " << ceilings.fp32PerSecond << ", \"halfPerSecond\": " << ceilings.halfPerSecond << ", \"bytePerSecond\": " << ceilings.bytePerSecond
         << "},\n  \"cases\": [\n";
  const char* separator = "";
  for (const Case& row : table) {
    if (!row.prepare || !isNamed(row, options.only)) continue;
    const Timed timed = timeRow(row, context, ceilings, options.runs);
    std::printf("%-60s %10.4f %10.4f %10.4f %8.1f %10.4f %10.1f %10.1f\n", (row.op + ": " + row.name + (timed.isRecorded ? "" : " (not recorded)")).c_str(), timed.median, timed.p99, timed.repeated, timed.median / timed.floor, timed.empty, 1e-6 * timed.bytes / timed.median,
                1e-6 * timed.operations / timed.median);
    std::fflush(stdout);
    record << separator << describe(timed);
    separator = ",\n";
  }
  record << "\n  ]\n}\n";
  writeRecord(options.json, record.str());
}

}  // namespace qpvo::gpu
