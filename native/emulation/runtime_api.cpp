// SPDX-License-Identifier: MIT
#include "emulation/runtime_api.hpp"

#include <cstdio>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "device.hpp"
#include "memory.hpp"

using namespace qpvo::emulation;

namespace {

struct ErrorText {
  const char *name, *text;
};

const std::map<cudaError_t, ErrorText>& errorTexts() {
  static const std::map<cudaError_t, ErrorText> texts = {
      {cudaSuccess, {"cudaSuccess", "no error"}},
      {cudaErrorInvalidValue, {"cudaErrorInvalidValue", "invalid argument"}},
      {cudaErrorMemoryAllocation, {"cudaErrorMemoryAllocation", "out of memory"}},
      {cudaErrorInsufficientDriver, {"cudaErrorInsufficientDriver", "CUDA driver version is insufficient for CUDA runtime version"}},
      {cudaErrorNoDevice, {"cudaErrorNoDevice", "no CUDA-capable device is detected"}},
      {cudaErrorInvalidDevice, {"cudaErrorInvalidDevice", "invalid device ordinal"}},
      {cudaErrorNoKernelImageForDevice, {"cudaErrorNoKernelImageForDevice", "no kernel image is available for execution on the device"}},
      {cudaErrorInvalidResourceHandle, {"cudaErrorInvalidResourceHandle", "invalid resource handle"}},
      {cudaErrorLaunchFailure, {"cudaErrorLaunchFailure", "unspecified launch failure"}},
      {cudaErrorStreamCaptureUnsupported, {"cudaErrorStreamCaptureUnsupported", "operation not permitted when stream is capturing"}},
  };
  return texts;
}

std::map<const void*, std::size_t>& allowedShared() {
  static std::map<const void*, std::size_t> allowed;
  return allowed;
}

/// Kernels whose code is on the device: from their first launch on.
std::set<const void*>& loaded() {
  static std::set<const void*> kernels;
  return kernels;
}

constexpr std::size_t kSharedUnasked = 48 * 1024;

void require(bool holds, const std::string& otherwise) {
  if (!holds) throw Failure(otherwise);
}

}  // namespace

const char* cudaGetErrorName(cudaError_t status) {
  const auto found = errorTexts().find(status);
  return found == errorTexts().end() ? "cudaErrorUnknown" : found->second.name;
}

const char* cudaGetErrorString(cudaError_t status) {
  const auto found = errorTexts().find(status);
  return found == errorTexts().end() ? "unknown error" : found->second.text;
}

cudaError_t cudaGetLastError() {
  const std::scoped_lock lock(device().mutex);
  return device().lost ? cudaErrorLaunchFailure : std::exchange(device().last, cudaSuccess);
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 0;
  if (!controls().driverWorks) return cudaErrorInsufficientDriver;
  *count = controls().devices;
  return *count == 0 ? cudaErrorNoDevice : cudaSuccess;
}

cudaError_t cudaSetDevice(int number) {
  return call([&] { return number >= 0 && number < controls().devices ? cudaSuccess : cudaErrorInvalidDevice; });
}

cudaError_t cudaGetDevice(int* number) {
  *number = 0;
  return call([] { return cudaSuccess; });
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  switch (attribute) {
    case cudaDevAttrMultiProcessorCount: *value = controls().multiprocessors; break;
    case cudaDevAttrIntegrated: *value = 1; break;
    case cudaDevAttrComputeCapabilityMajor: *value = controls().computeCapability / 10; break;
    case cudaDevAttrComputeCapabilityMinor: *value = controls().computeCapability % 10; break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = static_cast<int>(controls().sharedPerBlock); break;
    default: return cudaErrorInvalidValue;
  }
  return call([] { return cudaSuccess; });
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int number) {
  *properties = {};
  std::snprintf(properties->name, sizeof(properties->name), "CUDA emulation on the CPU");
  properties->totalGlobalMem = controls().memoryBytes;
  properties->sharedMemPerBlockOptin = controls().sharedPerBlock;
  properties->major = controls().computeCapability / 10;
  properties->minor = controls().computeCapability % 10;
  properties->multiProcessorCount = controls().multiprocessors;
  properties->integrated = 1;
  return cudaSetDevice(number);
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = controls().driverWorks ? 13000 : 0;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
  return countedCall([] {
    if (recording()) return cudaErrorStreamCaptureUnsupported;
    drainAll();
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceReset() {
  const std::scoped_lock lock(device().mutex);
  for (const cudaStream_t stream : device().streams) stream->work.clear();
  deviceMemory().releaseAll();
  allowedShared().clear();
  loaded().clear();
  device().lost = false;
  device().failure = nullptr;
  device().last = cudaSuccess;
  return cudaSuccess;
}

namespace qpvo::emulation {

cudaError_t enqueueKernel(const void* kernel, dim3 grid, dim3 block, std::size_t sharedBytes, cudaStream_t stream, std::function<void()> thread) {
  return countedCall([&]() -> cudaError_t {
    const std::string name = innermostName();
    if (!controls().kernelsFit) return cudaErrorNoKernelImageForDevice;
    const auto allowed = allowedShared().find(kernel);
    if (sharedBytes > (allowed == allowedShared().end() ? kSharedUnasked : allowed->second)) return cudaErrorInvalidValue;
    if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535 || block.x > 1024) return cudaErrorInvalidValue;
    require(block.y == 1 && block.z == 1 && block.x > 0 && block.x % warpSize == 0,
            "kernel \"" + name + "\": expected a block of one dimension and a multiple of 32 threads, but received " + std::to_string(block.x) + ".");
    const bool isRecorded = stream != nullptr && stream->recording != nullptr;
    require(!isRecorded || loaded().count(kernel) != 0, "kernel \"" + name + "\": launched for the first time while a graph is recorded, where it may not be loaded.");
    loaded().insert(kernel);
    const Grid launched{name, kernel, grid, block.x, sharedBytes};
    enqueue(stream, name.c_str(), [launched, run = std::make_shared<std::function<void()>>(std::move(thread))] { runGrid(launched, *run); });
    return cudaSuccess;
  });
}

cudaError_t allowShared(const void* kernel, std::size_t bytes) {
  return call([&] {
    if (bytes > controls().sharedPerBlock) return cudaErrorInvalidValue;
    allowedShared()[kernel] = bytes;
    return cudaSuccess;
  });
}

cudaError_t kernelAttributes(cudaFuncAttributes* attributes) {
  *attributes = {1024, 0, 0};
  return call([] { return controls().kernelsFit ? cudaSuccess : cudaErrorNoKernelImageForDevice; });
}

}  // namespace qpvo::emulation
