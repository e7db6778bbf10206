// SPDX-License-Identifier: MIT
#include "stopwatch.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

#include "runtime/check.hpp"
#include "runtime/device_buffer.hpp"

namespace qpvo::gpu {

namespace {

constexpr int kWarmUps = 3;
constexpr std::size_t kSweptBytes = std::size_t{128} << 20;  // more than any L2 cache

struct Event {
  cudaEvent_t event = nullptr;
  Event() { cuda::check(cudaEventCreate(&event), "creating an event"); }
  ~Event() { cudaEventDestroy(event); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
};

}  // namespace

std::vector<double> measure(cuda::Context& context, const std::function<void()>& enqueue, int runs) {
  cuda::DeviceBuffer<unsigned char> swept(kSweptBytes);
  const Event start, end;
  std::vector<double> milliseconds;
  for (int run = -kWarmUps; run < runs; ++run) {
    swept.zero(context.stream());
    cuda::check(cudaEventRecord(start.event, context.stream()), "timing");
    enqueue();
    cuda::check(cudaEventRecord(end.event, context.stream()), "timing");
    context.synchronize();
    float elapsed = 0;
    cuda::check(cudaEventElapsedTime(&elapsed, start.event, end.event), "timing");
    if (run >= 0) milliseconds.push_back(elapsed);
  }
  return milliseconds;
}

double quantileOf(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
  return values.at(std::max<std::size_t>(rank, 1) - 1);
}

double medianOf(std::vector<double> values) { return quantileOf(std::move(values), 0.5); }

}  // namespace qpvo::gpu
