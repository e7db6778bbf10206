// SPDX-License-Identifier: MIT
#include "time_frames.hpp"

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <sstream>

#include "ops_scene.hpp"
#include "orders.hpp"
#include "record.hpp"
#include "runtime/check.hpp"
#include "runtime/device_buffer.hpp"
#include "stage_clock.hpp"
#include "stopwatch.hpp"

namespace qpvo::gpu {

namespace {

constexpr int kWarmUps = kEmulated ? 1 : 10;  ///< frames of the steady state that do not count
constexpr int kMostMarked = 100;              ///< frames whose stages are timed

struct Times {
  std::vector<double> whole, host;         ///< ms, of each frame
  std::array<double, kStageCount> stages;  ///< ms, medians
};

Times measure(SteadyRun& run, int frames) {
  for (int warm = 0; warm < kWarmUps; warm += run.isSteady() ? 1 : 0) run.frame(nullptr);
  Times times{};
  for (int i = 0; i < frames; ++i) {
    const FrameTime time = run.frame(nullptr);
    times.whole.push_back(time.wholeMs);
    times.host.push_back(time.hostMs);
  }
  StageClock clock;
  for (int i = 0; i < std::min(frames, kMostMarked); ++i) {
    run.frame(&clock);
    clock.endFrame();
  }
  std::transform(clock.times().begin(), clock.times().end(), times.stages.begin(), medianOf);
  return times;
}

double framesPerSecond(const Times& times) { return 1e3 * static_cast<double>(times.whole.size()) / std::accumulate(times.whole.begin(), times.whole.end(), 0.0); }

std::string quantiles(const std::vector<double>& values) {
  std::ostringstream text;
  text << "{\"p50\": " << medianOf(values) << ", \"p99\": " << quantileOf(values, 0.99) << "}";
  return text.str();
}

void print(const RunShape& shape, const SteadyRun& run, const Times& times) {
  const double sum = std::accumulate(times.stages.begin(), times.stages.end(), 0.0);
  std::printf("%s, %s, %d pairs of %d patches: %.1f frames/s, p50 %.3f ms, p99 %.3f ms, host p50 %.3f ms, %.1f MB of buffers\n", shape.network.c_str(),
              nameOf(shape.precision).c_str(), run.pairs(), shape.windows.patches, framesPerSecond(times), medianOf(times.whole), quantileOf(times.whole, 0.99),
              medianOf(times.host), 1e-6 * static_cast<double>(cuda::peakBytes().device));
  for (std::size_t i = 0; i < kStageCount; ++i) std::printf("  %-20s %10.4f ms %6.1f %%\n", kStages[i], times.stages[i], 100 * times.stages[i] / sum);
}

}  // namespace

std::string describe(const RunShape& shape) {
  const Windows& w = shape.windows;
  std::ostringstream text;
  text << "  \"network\": " << quoted(shape.network) << ",\n  \"weights\": \"random\",\n  \"precision\": " << quoted(nameOf(shape.precision))
       << ",\n  \"windows\": {\"patches\": " << w.patches << ", \"removal\": " << w.removal << ", \"optimization\": " << w.optimization << ", \"lifetime\": " << w.lifetime
       << "},\n  \"size\": {\"width\": " << shape.image.width << ", \"height\": " << shape.image.height << "},\n";
  return text.str();
}

std::size_t deviceBytesInUse() {
  std::size_t free = 0, total = 0;
  cuda::check(cudaMemGetInfo(&free, &total), "reading the memory of the GPU");
  return total - free;
}

void timeFrames(cuda::Context& context, const FrameOptions& options) {
  cuda::resetPeak();
  const std::size_t before = deviceBytesInUse();
  SteadyRun run(context.device(), options.shape);
  const Times times = measure(run, options.frames);
  print(options.shape, run, times);
  std::ostringstream record;
  record << "{\n  \"kind\": \"qpvo frame\",\n  \"commit\": " << quoted(options.commit) << ",\n  \"device\": " << describeDevice(context) << ",\n"
         << describe(options.shape) << "  \"pairs\": " << run.pairs() << ",\n  \"validShare\": " << run.validShare() << ",\n  \"frames\": " << options.frames
         << ",\n  \"framesPerSecond\": " << framesPerSecond(times) << ",\n  \"frameMs\": " << quantiles(times.whole) << ",\n  \"hostMs\": " << quantiles(times.host)
         << ",\n  \"stageMs\": {";
  for (std::size_t i = 0; i < kStageCount; ++i) record << (i == 0 ? "" : ", ") << quoted(kStages[i]) << ": " << times.stages[i];
  record << "},\n  \"peakDeviceBytes\": " << cuda::peakBytes().device << ",\n  \"deviceBytesTaken\": " << deviceBytesInUse() - std::min(before, deviceBytesInUse()) << "\n}\n";
  writeRecord(options.json, record.str());
}

}  // namespace qpvo::gpu
