// SPDX-License-Identifier: MIT
#include "cases.hpp"
#include "ceilings.hpp"
#include "recorded_work.hpp"
#include "runtime/launch.hpp"

// What `time` measures is the op, as often as it says.

namespace qpvo::gpu {

namespace {

constexpr unsigned kThreads = 32;
constexpr int kTimes = 3;

__global__ void addOne(int* values) { values[threadIdx.x] += 1; }

/// Runs the work once to load it, once, and kTimes times.
void check(cuda::Context& context, Comparison& comparison, bool waits) {
  cuda::DeviceBuffer<int> values(kThreads);
  RecordedWork work(
      context,
      [&] {
        cuda::launch("addOne", addOne, {.blocksX = 1, .threads = kThreads}, context.stream(), values.data());
        if (waits) context.synchronize();
      },
      kTimes);
  comparison.holds(waits ? "work that waits is not recorded" : "work that does not wait is recorded", work.isRecorded() != waits);
  comparison.holds("as many nodes as launches", work.nodes() == (waits ? 0 : 1));
  const int before = onHost(context, values).front();
  work.runOnce();
  work.runAll();
  comparison.holds("loaded before", before >= 1);
  comparison.same("runs", onHost(context, values), std::vector<int>(kThreads, before + 1 + kTimes));
}

void checkEmpty(cuda::Context& context, Comparison& comparison) {
  for (const std::size_t nodes : {0, 1, 13}) {
    cuda::Graph graph = emptyGraph(context, nodes);
    comparison.holds("as many nodes as asked for", graph.nodes() == nodes);
    graph.replay(context.stream());
  }
}

const Rows rows([](Table& table) {
  table.push_back({"recorded", "work that can be recorded", 0, "exact", [](cuda::Context& c, Comparison& to) { check(c, to, false); }, {}});
  table.push_back({"recorded", "work that cannot", 0, "exact", [](cuda::Context& c, Comparison& to) { check(c, to, true); }, {}});
  table.push_back({"recorded", "empty graphs", 0, "exact", checkEmpty, {}});
});

}  // namespace

}  // namespace qpvo::gpu
