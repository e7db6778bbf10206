// SPDX-License-Identifier: MIT
#include <cstring>
#include <string>
#include <vector>

#include "device.hpp"
#include "memory.hpp"

using namespace qpvo::emulation;

namespace {

bool onDevice(const void* data) { return deviceMemory().contains(data); }

void requireDevice(const void* data, std::size_t bytes, const char* what) {
  if (!deviceMemory().holds(data, bytes)) {
    throw Failure(std::string(innermostName()) + ": " + what + " of " + std::to_string(bytes) + " bytes that are not all in one allocation of device memory.");
  }
}

void requirePlaces(const void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  const bool toDevice = kind == cudaMemcpyDefault ? onDevice(to) : kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool fromDevice = kind == cudaMemcpyDefault ? onDevice(from) : kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  if (toDevice) requireDevice(to, bytes, "a copy to");
  if (fromDevice) requireDevice(from, bytes, "a copy from");
  if ((!toDevice && onDevice(to)) || (!fromDevice && onDevice(from))) throw Failure(std::string(innermostName()) + ": a copy whose direction does not fit its addresses.");
}

/// Releases do not throw: what the streams still hold runs first, as on a GPU, and its failure is kept.
void finishQuietly() {
  try {
    if (!device().lost) drainAll();
  } catch (...) {
    device().failure = std::current_exception();
  }
}

}  // namespace

cudaError_t cudaMalloc(void** data, std::size_t bytes) {
  return call([&] {
    if (recording()) return cudaErrorStreamCaptureUnsupported;
    *data = deviceMemory().allocate(bytes, controls().memoryBytes);
    return *data == nullptr ? cudaErrorMemoryAllocation : cudaSuccess;
  });
}

cudaError_t cudaFree(void* data) {
  const std::scoped_lock lock(device().mutex);
  if (data == nullptr) return cudaSuccess;
  finishQuietly();
  return deviceMemory().release(data) ? cudaSuccess : cudaErrorInvalidValue;
}

cudaError_t cudaMallocHost(void** data, std::size_t bytes) {
  return call([&] {
    if (recording()) return cudaErrorStreamCaptureUnsupported;
    *data = pinnedMemory().allocate(bytes);
    return *data == nullptr ? cudaErrorMemoryAllocation : cudaSuccess;
  });
}

cudaError_t cudaFreeHost(void* data) {
  const std::scoped_lock lock(device().mutex);
  if (data == nullptr) return cudaSuccess;
  finishQuietly();
  return pinnedMemory().release(data) ? cudaSuccess : cudaErrorInvalidValue;
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  return call([&] {
    *total = controls().memoryBytes;
    *free = *total - std::min(*total, deviceMemory().taken());
    return cudaSuccess;
  });
}

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  return countedCall([&] {
    if (recording()) return cudaErrorStreamCaptureUnsupported;
    requirePlaces(to, from, bytes, kind);
    const DeviceMemory::Access access;
    std::memcpy(to, from, bytes);
    return cudaSuccess;
  });
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  return countedCall([&] {
    requirePlaces(to, from, bytes, kind);
    const bool pageableFrom = !onDevice(from) && !pinnedMemory().holds(from, bytes), pageableTo = !onDevice(to) && !pinnedMemory().holds(to, bytes);
    if ((pageableFrom || pageableTo) && recording()) throw Failure(std::string(innermostName()) + ": a copy with pageable host memory while a graph is recorded.");
    if (pageableFrom) {
      const auto* const bytesFrom = static_cast<const unsigned char*>(from);
      enqueue(stream, innermostName(), [to, staged = std::vector<unsigned char>(bytesFrom, bytesFrom + bytes)] { std::memcpy(to, staged.data(), staged.size()); });
    } else {
      enqueue(stream, innermostName(), [to, from, bytes] { std::memcpy(to, from, bytes); });
    }
    if (pageableTo) drain(stream);
    return cudaSuccess;
  });
}

cudaError_t cudaMemset(void* data, int value, std::size_t bytes) {
  return countedCall([&] {
    if (recording()) return cudaErrorStreamCaptureUnsupported;
    if (onDevice(data)) requireDevice(data, bytes, "a fill");
    const DeviceMemory::Access access;
    std::memset(data, value, bytes);
    return cudaSuccess;
  });
}

cudaError_t cudaMemsetAsync(void* data, int value, std::size_t bytes, cudaStream_t stream) {
  return countedCall([&] {
    requireDevice(data, bytes, "a fill");
    enqueue(stream, innermostName(), [data, value, bytes] { std::memset(data, value, bytes); });
    return cudaSuccess;
  });
}
