// SPDX-License-Identifier: MIT
#include "ceilings.hpp"

#include "cases.hpp"
#include "device/mma.cuh"
#include "device/warp.cuh"
#include "runtime/launch.hpp"
#include "stopwatch.hpp"

namespace qpvo::gpu {

namespace {

using namespace qpvo::cuda;

constexpr int kThreads = 256;
constexpr int kChains = 8;  ///< products under way in one warp, so that none waits for another

__global__ void copyWords(const uint4* from, uint4* to, std::size_t count) {
  const std::size_t stride = std::size_t{gridDim.x} * blockDim.x;
  for (std::size_t i = blockIdx.x * std::size_t{blockDim.x} + threadIdx.x; i < count; i += stride) to[i] = from[i];
}

/// The sums go to memory only in a case that does not occur, so that the compiler must keep the products.
template <class A, class B, class C, class T, auto PRODUCT>
__global__ void repeatProducts(int times, T impossible, T* out) {
  A a{};
  B b{};
  C sums[kChains]{};
  a.x[0] = b.x[0] = threadIdx.x;
  for (int i = 0; i < times; ++i) {
#pragma unroll
    for (int chain = 0; chain < kChains; ++chain) PRODUCT(sums[chain], a, b);
  }
  T total = 0;
  for (const C& sum : sums) total += sum.x[0] + sum.x[1] + sum.x[2] + sum.x[3];
  if (total == impossible) out[threadIdx.x] = total;
}

__global__ void repeatFused(int times, float factor, float impossible, float* out) {
  float sums[kChains];
  for (int chain = 0; chain < kChains; ++chain) sums[chain] = static_cast<float>(threadIdx.x + chain);
  for (int i = 0; i < times; ++i) {
#pragma unroll
    for (float& sum : sums) sum = fmaf(sum, factor, factor);
  }
  float total = 0;
  for (const float sum : sums) total += sum;
  if (total == impossible) out[threadIdx.x] = total;
}

__global__ void doNothing() {}

constexpr int kTimes = 4096, kBlocksPerMultiprocessor = 8;

/// perThread: operations of one thread in a launch.
template <class... P, class... A>
double rate(Context& context, double perThread, void (*kernel)(P...), A... arguments) {
  const Shape shape{.blocksX = static_cast<unsigned>(context.multiprocessors() * kBlocksPerMultiprocessor), .threads = kThreads};
  const double seconds = 1e-3 * medianOf(measure(context, [&] { launch("ceiling", kernel, shape, context.stream(), arguments...); }, 20));
  return perThread * shape.blocksX * kThreads / seconds;
}

double copyRate(Context& context) {
  constexpr std::size_t count = (std::size_t{256} << 20) / sizeof(uint4);
  DeviceBuffer<uint4> from(count), to(count);
  const Shape shape{.blocksX = static_cast<unsigned>(context.multiprocessors() * kBlocksPerMultiprocessor), .threads = kThreads};
  const auto times = measure(context, [&] { launch("ceiling of copies", copyWords, shape, context.stream(), from.data(), to.data(), count); }, 20);
  return 2.0 * count * sizeof(uint4) / (1e-3 * medianOf(times));
}

}  // namespace

Ceilings measureCeilings(Context& context) {
  constexpr double products = double{kTimes} * kChains, halves = 2.0 * 16 * 8 * 16 / kWarp, bytes = 2.0 * 16 * 8 * 32 / kWarp;
  DeviceBuffer<float> floats(kThreads);
  DeviceBuffer<int> integers(kThreads);
  return {
      .bytesPerSecond = copyRate(context),
      .fp32PerSecond = rate(context, 2.0 * products, repeatFused, kTimes, 0.999f, -1.0f, floats.data()),
      .halfPerSecond = rate(context, halves * products, repeatProducts<AHalf, BHalf, CFloat, float, mma>, kTimes, -1.0f, floats.data()),
      .bytePerSecond = rate(context, bytes * products, repeatProducts<AByte, BByte, CInt, int, mmaSigned>, kTimes, -1, integers.data()),
  };
}

cuda::Graph emptyGraph(Context& context, std::size_t nodes) {
  Graph graph;
  const auto launchOne = [&] { launch("nothing", doNothing, {.blocksX = 1, .threads = kWarp}, context.stream()); };
  launchOne();  // loads the kernel, which a recording may not do
  graph.capture(context.stream(), [&] {
    for (std::size_t i = 0; i < nodes; ++i) launchOne();
  });
  return graph;
}

}  // namespace qpvo::gpu
