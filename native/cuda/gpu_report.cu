// SPDX-License-Identifier: MIT
#include "gpu_report.hpp"

#include <exception>

#include "qpvo/error.hpp"
#include "runtime/context.hpp"
#include "runtime/copy.hpp"
#include "runtime/device_buffer.hpp"
#include "runtime/launch.hpp"

namespace qpvo::cuda {

namespace {

constexpr unsigned kThreads = 64;

/// The triangular numbers, by threads that depend on each other.
__global__ void sumUp(int* out) {
  __shared__ int sums[kThreads];
  const unsigned i = threadIdx.x;
  sums[i] = static_cast<int>(i);
  for (unsigned step = 1; step < kThreads; step *= 2) {
    __syncthreads();
    const int before = i >= step ? sums[i - step] : 0;
    __syncthreads();
    sums[i] += before;
  }
  out[i] = sums[i];
}

/// @throws Error as Context; QPVO_DEVICE_LOST when the result is wrong
void tryKernel() {
  const Context context(0);
  DeviceBuffer<int> sums(kThreads);
  int received[kThreads] = {};
  launch("probe", sumUp, {.blocksX = 1, .threads = kThreads}, context.stream(), sums.data());
  download(received, sums.data(), kThreads, context.stream());
  context.synchronize();
  for (int i = 0; i < static_cast<int>(kThreads); ++i) {
    if (received[i] != i * (i + 1) / 2) throw Error("QPVO_DEVICE_LOST", "a kernel gave a wrong result.");
  }
}

GpuDescription describe(int device) {
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, device), "reading what the GPU is");
  check(cudaSetDevice(device), "choosing the GPU");
  GpuDescription gpu{properties.name, 10 * properties.major + properties.minor, 0, 0, properties.integrated != 0};
  check(cudaMemGetInfo(&gpu.freeBytes, &gpu.totalBytes), "reading the memory of the GPU");
  return gpu;
}

}  // namespace

GpuReport gpuReport() {
  GpuReport report;
  try {
    check(cudaRuntimeGetVersion(&report.runtimeVersion), "reading the version of the CUDA runtime");
    check(cudaDriverGetVersion(&report.driverVersion), "reading the version of the driver");
    int count = 0;
    check(cudaGetDeviceCount(&count), "looking for a GPU");
    for (int device = 0; device < count; ++device) report.devices.push_back(describe(device));
    if (count > 0) tryKernel();
  } catch (const std::exception& error) {
    report.fault = error.what();
  }
  return report;
}

MemoryUse memoryUse() {
  const auto [device, pinned] = allocatedBytes();
  const auto [peakDevice, peakPinned] = peakBytes();
  return {device, pinned, peakDevice, peakPinned};
}

}  // namespace qpvo::cuda
