// SPDX-License-Identifier: MIT
#include "memory_growth.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <numeric>

#include "qpvo/error.hpp"

namespace qpvo::gpu {

namespace {

using Amount = double MemorySample::*;

constexpr double kMegabyte = 1 << 20;
constexpr double kMostShare = 1.05;           ///< of host memory: what an allocator keeps
constexpr double kMostPer1000Frames = 1;      ///< MB
constexpr double kMostDeviceMegabytes = 2;    ///< the step in which a driver takes memory
constexpr int kLeastFramesForSlope = 5000;    ///< below, a page more is a slope

double mean(const MemorySample* first, std::size_t count, Amount amount) {
  return std::accumulate(first, first + count, 0.0, [&](double sum, const MemorySample& sample) { return sum + sample.*amount; }) / static_cast<double>(count);
}

/// Least squares over the second half, MB per 1000 frames.
double slope(const std::vector<MemorySample>& samples, Amount amount) {
  const std::size_t half = samples.size() / 2, count = samples.size() - half;
  double meanFrame = 0, numerator = 0, denominator = 0;
  for (std::size_t i = half; i < samples.size(); ++i) meanFrame += samples[i].frame / static_cast<double>(count);
  const double meanAmount = mean(&samples[half], count, amount);
  for (std::size_t i = half; i < samples.size(); ++i) {
    numerator += (samples[i].frame - meanFrame) * (samples[i].*amount - meanAmount);
    denominator += (samples[i].frame - meanFrame) * (samples[i].frame - meanFrame);
  }
  return 1000 * numerator / denominator / kMegabyte;
}

}  // namespace

std::vector<Judged> judgeGrowth(const std::vector<MemorySample>& samples) {
  if (samples.size() < kLeastSamples) {
    throw Error("QPVO_INTERNAL", "Expected at least " + std::to_string(kLeastSamples) + " samples of memory, but received " + std::to_string(samples.size()) + ".");
  }
  const std::size_t eighth = samples.size() / 8;
  const MemorySample *early = samples.data(), *late = samples.data() + samples.size() - eighth;
  const auto grown = [&](Amount amount) { return (mean(late, eighth, amount) - mean(early, eighth, amount)) / kMegabyte; };
  const auto [least, most] = std::minmax_element(samples.begin(), samples.end(), [](const MemorySample& a, const MemorySample& b) { return a.buffers < b.buffers; });
  std::vector<Judged> all{
      {"host memory at the end / at the start", "", mean(late, eighth, &MemorySample::host) / mean(early, eighth, &MemorySample::host), kMostShare},
      {"GPU memory, growth", "MB", grown(&MemorySample::device), kMostDeviceMegabytes},
      {"buffers, most less least", "MB", (most->buffers - least->buffers) / kMegabyte, 0},
  };
  if (samples.back().frame - samples.front().frame >= kLeastFramesForSlope) {
    all.push_back({"host memory, growth over the second half", "MB / 1000 frames", slope(samples, &MemorySample::host), kMostPer1000Frames});
  }
  return all;
}

double residentBytes() {
  std::ifstream file("/proc/self/statm");
  double whole = 0, resident = 0;
  if (!(file >> whole >> resident)) throw Error("QPVO_NOT_FOUND", "Expected the memory of this process in /proc/self/statm, but it cannot be read.");
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

}  // namespace qpvo::gpu
