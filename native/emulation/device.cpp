// SPDX-License-Identifier: MIT
#include "device.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "memory.hpp"
#include "nvtx3/nvToolsExt.h"

namespace qpvo::emulation {

namespace {

thread_local std::vector<const char*> names;

long number(const char* variable, long otherwise) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtol(text, nullptr, 10);
}

Controls fromEnvironment() {
  Controls read;
  read.devices = static_cast<int>(number("QPVO_EMULATION_DEVICES", read.devices));
  read.computeCapability = static_cast<int>(number("QPVO_EMULATION_CAPABILITY", read.computeCapability));
  read.sharedPerBlock = static_cast<std::size_t>(number("QPVO_EMULATION_SHARED_KB", static_cast<long>(read.sharedPerBlock / 1024))) * 1024;
  read.memoryBytes = static_cast<std::size_t>(number("QPVO_EMULATION_MEMORY_MB", static_cast<long>(read.memoryBytes >> 20))) << 20;
  read.driverWorks = number("QPVO_EMULATION_DRIVER", 1) != 0;
  read.callsUntilLost = number("QPVO_EMULATION_LOSE_AT", read.callsUntilLost);
  if (const char* const order = std::getenv("QPVO_EMULATION_ORDER"); order != nullptr) {
    const bool forward = std::strcmp(order, "forward") == 0, backward = std::strcmp(order, "backward") == 0;
    read.order = forward ? Order::forward : backward ? Order::backward : Order::shuffled;
    if (read.order == Order::shuffled) read.seed = std::strtoull(order, nullptr, 10);
  }
  return read;
}

cudaError_t availability() {
  if (!controls().driverWorks) return cudaErrorInsufficientDriver;
  if (controls().devices == 0) return cudaErrorNoDevice;
  return device().lost ? cudaErrorLaunchFailure : cudaSuccess;
}

}  // namespace

Controls& controls() {
  static Controls instance = fromEnvironment();
  return instance;
}

Device& device() {
  static Device instance;
  return instance;
}

void pushName(const char* name) { names.push_back(name); }
void popName() { names.pop_back(); }
const char* innermostName() { return names.empty() ? "unnamed" : names.back(); }

cudaError_t call(const std::function<cudaError_t()>& body) {
  const std::scoped_lock lock(device().mutex);
  const cudaError_t unavailable = availability();
  const cudaError_t status = unavailable != cudaSuccess ? unavailable : body();
  if (status != cudaSuccess) device().last = status;
  return status;
}

cudaError_t countedCall(const std::function<cudaError_t()>& body) {
  return call([&] {
    if (device().failure) std::rethrow_exception(std::exchange(device().failure, nullptr));
    if (controls().callsUntilLost >= 0 && device().calls++ >= controls().callsUntilLost) {
      device().lost = true;
      device().calls = 0;
      controls().callsUntilLost = -1;
      for (const cudaStream_t stream : device().streams) stream->work.clear();
      return cudaErrorLaunchFailure;
    }
    return body();
  });
}

void enqueue(cudaStream_t stream, const char* what, Work work) {
  if (stream == nullptr) throw Failure(std::string(what) + ": given to the default stream.");
  if (stream->recording != nullptr) {
    stream->recording->work.push_back(std::move(work));
  } else {
    stream->work.push_back(std::move(work));
  }
}

void drain(cudaStream_t stream, const CUevent_st* until) {
  if (stream->work.empty()) return;
  const DeviceMemory::Access access;
  while (!stream->work.empty() && (until == nullptr || !until->reached)) {
    const Work work = std::move(stream->work.front());
    stream->work.pop_front();
    try {
      work();
    } catch (...) {
      stream->work.clear();
      throw;
    }
  }
}

void drainAll() {
  for (const cudaStream_t stream : device().streams) drain(stream);
}

bool recording() {
  return std::any_of(device().streams.begin(), device().streams.end(), [](cudaStream_t stream) { return stream->recording != nullptr; });
}

}  // namespace qpvo::emulation
