// SPDX-License-Identifier: MIT
#include "soak.hpp"

#include <algorithm>
#include <cstdio>
#include <sstream>

#include "memory_growth.hpp"
#include "record.hpp"
#include "runtime/device_buffer.hpp"

namespace qpvo::gpu {

namespace {

constexpr int kSamples = 200;

MemorySample sampleAt(int frame) {
  const cuda::Allocated held = cuda::allocatedBytes();
  return {frame, residentBytes(), static_cast<double>(deviceBytesInUse()), static_cast<double>(held.device + held.pinned)};
}

/// From the first frame of the steady state on, of which one more does not count.
std::vector<MemorySample> samplesOf(SteadyRun& run, int frames) {
  while (!run.isSteady()) run.frame(nullptr);
  run.frame(nullptr);
  std::vector<MemorySample> samples;
  samples.reserve(2 * kSamples);
  const int step = std::max(1, frames / kSamples);
  for (int frame = 1; frame <= frames; ++frame) {
    run.frame(nullptr);
    if (frame % step == 0 || frame == frames) samples.push_back(sampleAt(frame));
  }
  return samples;
}

std::string describe(const std::vector<MemorySample>& samples) {
  std::ostringstream text;
  text.precision(12);
  for (const MemorySample& sample : samples) {
    text << (&sample == samples.data() ? "" : ",\n") << "    {\"frame\": " << sample.frame << ", \"hostBytes\": " << sample.host << ", \"deviceBytes\": " << sample.device
         << ", \"bufferBytes\": " << sample.buffers << "}";
  }
  return text.str();
}

std::string describe(const std::vector<Judged>& numbers) {
  std::ostringstream text;
  for (const Judged& number : numbers) {
    text << (&number == numbers.data() ? "" : ",\n") << "    {\"what\": " << quoted(number.what) << ", \"measured\": " << number.measured << ", \"unit\": " << quoted(number.unit)
         << ", \"target\": {\"bound\": \"at most\", \"value\": " << number.most << "}, \"verdict\": " << (number.isMet() ? "\"met\"" : "\"MISSED\"") << "}";
  }
  return text.str();
}

}  // namespace

bool soak(cuda::Context& context, const FrameOptions& options) {
  SteadyRun run(context.device(), options.shape);
  const std::vector<MemorySample> samples = samplesOf(run, options.frames);
  const std::vector<Judged> numbers = judgeGrowth(samples);
  std::printf("%d frames of the steady state, %.1f MB resident, %.1f MB taken on the GPU at the end\n", options.frames, 1e-6 * samples.back().host, 1e-6 * samples.back().device);
  for (const Judged& number : numbers) {
    std::printf("%-7s %s: %.4g %s, at most %.4g\n", number.isMet() ? "met" : "MISSED", number.what.c_str(), number.measured, number.unit.c_str(), number.most);
  }
  std::ostringstream record;
  record << "{\n  \"kind\": \"qpvo soak\",\n  \"commit\": " << quoted(options.commit) << ",\n  \"device\": " << describeDevice(context) << ",\n"
         << describe(options.shape) << "  \"frames\": " << options.frames << ",\n  \"numbers\": [\n" << describe(numbers) << "\n  ],\n  \"samples\": [\n" << describe(samples) << "\n  ]\n}\n";
  writeRecord(options.json, record.str());
  return std::all_of(numbers.begin(), numbers.end(), [](const Judged& number) { return number.isMet(); });
}

}  // namespace qpvo::gpu
