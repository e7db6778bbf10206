// SPDX-License-Identifier: MIT
#include "broken_kernels.hpp"

#include <cstring>

#include "device/async_copy.cuh"
#include "device/mma.cuh"
#include "device/shared.cuh"
#include "device/warp.cuh"
#include "emulation/controls.hpp"
#include "runtime/context.hpp"
#include "runtime/copy.hpp"
#include "runtime/device_buffer.hpp"
#include "runtime/graph.hpp"
#include "runtime/launch.hpp"

namespace qpvo::broken {

namespace {

using namespace qpvo::cuda;
using emulation::controls;
using emulation::Order;

constexpr unsigned kThreads = 64;

__global__ void reverse(int* values, bool waits) {
  __shared__ int copy[kThreads];
  copy[threadIdx.x] = values[threadIdx.x];
  if (waits) __syncthreads();
  values[threadIdx.x] = copy[kThreads - 1 - threadIdx.x];
}

__global__ void waitsInHalf() {
  if (threadIdx.x < 32) __syncthreads();
}

__global__ void waitsInTwoPlaces() {
  if (threadIdx.x < 32) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}

__global__ void shufflesInHalf(int* values) {
  if (threadIdx.x % 2 == 0) values[threadIdx.x] = __shfl_xor_sync(kAllLanes, values[threadIdx.x], 1);
}

__global__ void shufflesInTwoPlaces(int* values) {
  if (threadIdx.x % 2 == 0) {
    values[threadIdx.x] = __shfl_xor_sync(kAllLanes, 1, 1);
  } else {
    values[threadIdx.x] = __shfl_xor_sync(kAllLanes, 2, 1);
  }
}

__global__ void masksHalf(int* values) { values[threadIdx.x] = __shfl_sync(0xffffu, 1, 0); }

__global__ void writesBehindShared() {
  dynamicShared<unsigned char>()[100] = 1;
}

__global__ void readsShared(float* values) { values[threadIdx.x] = dynamicShared<float>()[threadIdx.x]; }

__global__ void copiesToOddAddress(const unsigned char* from) {
  __shared__ uint4 to[2];
  copyAsync16(reinterpret_cast<unsigned char*>(to) + 4, from);
}

__global__ void readsBeforeArrival(const float* from, float* values, bool waits) {
  __shared__ float4 to;
  if (threadIdx.x == 0) copyAsync16(&to, from);
  commitCopies();
  if (waits) waitCopies<0>();
  __syncthreads();
  values[threadIdx.x] = to.x;
}

__global__ void loadsFromOddAddress(unsigned* values) {
  __shared__ uint4 rows[33];
  unsigned registers[2];
  loadMatrix2(registers, reinterpret_cast<unsigned char*>(rows) + 16 * (threadIdx.x % 8) + 2);
  values[threadIdx.x] = registers[0];
}

__global__ void writesBeside(float* values) { values[-1] = 0; }
__global__ void onlyRecorded() {}
__global__ void increment(int* values) { values[threadIdx.x] += 1; }

constexpr Shape kOne{.blocksX = 1, .threads = kThreads};

std::vector<int> reversed(Context& context, Order order, bool waits) {
  controls().order = order;
  std::vector<int> values(kThreads);
  for (unsigned i = 0; i < kThreads; ++i) values[i] = static_cast<int>(i);
  DeviceBuffer<int> buffer(kThreads);
  upload(buffer.data(), values.data(), kThreads, context.stream());
  launch("reverse", reverse, kOne, context.stream(), buffer.data(), waits);
  download(values.data(), buffer.data(), kThreads, context.stream());
  context.synchronize();
  controls().order = Order::forward;
  return values;
}

template <class... P, class... A>
void runOne(Context& context, const Shape& shape, void (*kernel)(P...), A... arguments) {
  launch("broken", kernel, shape, context.stream(), arguments...);
  context.synchronize();
}

bool isNotNumber(float value) { return value != value; }

}  // namespace

std::vector<Fault> brokenKernels() {
  const auto run = [](auto kernel, Shape shape = kOne) { return [kernel, shape](Context& context) { runOne(context, shape, kernel); }; };
  const auto runOn = [](auto kernel) {
    return [kernel](Context& context) {
      DeviceBuffer<std::remove_cv_t<std::remove_pointer_t<decltype(argumentOf(kernel))>>> values(kThreads);
      runOne(context, kOne, kernel, values.data());
    };
  };
  return {
      {"a barrier that half of the block reaches", "has left, while others wait at the barrier", run(waitsInHalf)},
      {"two barriers for one", "while others wait at that in", run(waitsInTwoPlaces)},
      {"a shuffle that half of the warp reaches", "where only 16 of 32 lanes came", runOn(shufflesInHalf)},
      {"two shuffles for one", "while other lanes of its warp are at shuffle", runOn(shufflesInTwoPlaces)},
      {"a shuffle of half a warp", "expected all 32 lanes", runOn(masksHalf)},
      {"a write behind the dynamic shared memory", "wrote behind its 100 bytes", run(writesBehindShared, {.blocksX = 1, .threads = 32, .sharedBytes = 100})},
      {"an asynchronous copy to an odd address", "not a multiple of 16", runOn(copiesToOddAddress)},
      {"ldmatrix from an odd address", "not a multiple of 16", runOn(loadsFromOddAddress)},
      {"a block of 33 threads", "a multiple of 32 threads, but received 33", run(waitsInTwoPlaces, {.blocksX = 1, .threads = 33})},
      {"more shared memory than the GPU has", "invalid argument", run(writesBehindShared, {.blocksX = 1, .threads = 32, .sharedBytes = 300'000})},
      {"the default stream", "given to the default stream",
       [](Context&) {
         DeviceBuffer<int> values(kThreads);
         launch("broken", increment, kOne, nullptr, values.data());
       }},
      {"a copy longer than its buffer", "not all in one allocation",
       [](Context& context) {
         DeviceBuffer<int> values(kThreads);
         std::vector<int> host(10 * kThreads);
         upload(values.data(), host.data(), host.size(), context.stream());
       }},
      {"waiting while a graph is recorded", "not permitted when stream is capturing",
       [](Context& context) {
         Graph graph;
         graph.capture(context.stream(), [&] { context.synchronize(); });
       }},
      {"allocating while a graph is recorded", "not permitted when stream is capturing",
       [](Context& context) {
         Graph graph;
         graph.capture(context.stream(), [] { DeviceBuffer<int> late(1); });
       }},
      {"a kernel that is new to the device while a graph is recorded", "launched for the first time while a graph is recorded",
       [](Context& context) {
         Graph graph;
         graph.capture(context.stream(), [&] { launch("broken", onlyRecorded, kOne, context.stream()); });
       }},
  };
}

std::vector<Fact> emulatedFacts() {
  return {
      {"with its barrier a kernel gives the same in every order",
       [](Context& context) {
         const auto forward = reversed(context, Order::forward, true);
         return forward.front() == static_cast<int>(kThreads) - 1 && forward == reversed(context, Order::backward, true) && forward == reversed(context, Order::shuffled, true);
       }},
      {"without its barrier it gives other bits in another order",
       [](Context& context) { return reversed(context, Order::forward, false) != reversed(context, Order::backward, false); }},
      {"shared memory that nobody wrote is not a number",
       [](Context& context) {
         DeviceBuffer<float> values(kThreads);
         launch("read", readsShared, {.blocksX = 1, .threads = kThreads, .sharedBytes = kThreads * sizeof(float)}, context.stream(), values.data());
         std::vector<float> found(kThreads);
         download(found.data(), values.data(), kThreads, context.stream());
         context.synchronize();
         return isNotNumber(found.front()) && isNotNumber(found.back());
       }},
      {"an asynchronous copy is there after it was waited for, and not before",
       [](Context& context) {
         DeviceBuffer<float> from(4), values(kThreads);
         float found[2];
         for (const bool waits : {false, true}) {
           launch("copy", readsBeforeArrival, kOne, context.stream(), from.data(), values.data(), waits);
           download(&found[waits], values.data(), 1, context.stream());
         }
         context.synchronize();
         return isNotNumber(found[0]) && found[1] == 0.0f;
       }},
      {"a write beside a buffer is found",
       [](Context& context) {
         DeviceBuffer<float> values(kThreads);
         const bool before = values.intact();
         runOne(context, {.blocksX = 1, .threads = 32}, writesBeside, values.data());
         return before && !values.intact();
       }},
      {"a write beside a part of a buffer is found, and the parts next to it are whole",
       [](Context& context) {
         const std::size_t bytes = partBytes(kThreads * sizeof(float));
         DeviceBuffer<std::byte> whole(3 * bytes);
         damagedBuffers();
         {
           DeviceBuffer<float> before(whole.data(), kThreads), values(whole.data() + bytes, kThreads), behind(whole.data() + 2 * bytes, kThreads);
           runOne(context, {.blocksX = 1, .threads = 32}, writesBeside, values.data());
           if (!before.intact() || values.intact() || !behind.intact()) return false;
         }
         return damagedBuffers() == 1 && whole.intact();
       }},
      {"what an enqueued copy reads from pinned memory is what stands there later",
       [](Context& context) {
         PinnedBuffer<int> host(1);
         DeviceBuffer<int> buffer(1);
         host[0] = 1;
         upload(buffer.data(), host.data(), 1, context.stream());
         host[0] = 2;
         download(host.data(), buffer.data(), 1, context.stream());
         context.synchronize();
         return host[0] == 2;
       }},
      {"a graph runs when it is replayed, as often as it is",
       [](Context& context) {
         DeviceBuffer<int> values(kThreads);
         const auto work = [&] { launch("increment", increment, kOne, context.stream(), values.data()); };
         work();
         Graph graph;
         graph.capture(context.stream(), work);
         for (int i = 0; i < 3; ++i) graph.replay(context.stream());
         int found = 0;
         download(&found, values.data(), 1, context.stream());
         return found == 1 + 3;
       }},
      {"a buffer counts while it lives",
       [](Context&) {
         const std::size_t before = allocatedBytes().device;
         const DeviceBuffer<int> values(1000);
         return allocatedBytes().device == before + 4000 && peakBytes().device >= before + 4000;
       }},
  };
}

}  // namespace qpvo::broken
