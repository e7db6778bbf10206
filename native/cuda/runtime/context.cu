// SPDX-License-Identifier: MIT
#include "runtime/context.hpp"

#include <atomic>
#include <string>

#include "qpvo/error.hpp"
#include "runtime/check.hpp"
#include "runtime/launch.hpp"

namespace qpvo::cuda {

namespace {

/// Asked for its attributes only: whether this build has code for the GPU.
__global__ void probe(int* written) { *written = 1; }

std::atomic<int> living{0};

/// A device on which something failed answers every call with that error until it is reset.
void mendLoss(int device) {
  const cudaError_t chosen = cudaSetDevice(device);
  const bool isThere = chosen != cudaErrorInvalidDevice && chosen != cudaErrorNoDevice && chosen != cudaErrorInsufficientDriver;
  const bool isLost = isThere && (chosen != cudaSuccess || cudaDeviceSynchronize() != cudaSuccess);
  cudaGetLastError();
  if (!isLost || living > 0) return;
  cudaDeviceReset();
  cudaGetLastError();
  launching::forgetAllowed();
}

int attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, which, device), "reading what the GPU can do");
  return value;
}

}  // namespace

Context::Context(int device) : device_(device) {
  mendLoss(device);
  int count = 0;
  check(cudaGetDeviceCount(&count), "looking for a GPU");
  if (device < 0 || device >= count) {
    throw Error("QPVO_NO_DEVICE", "Expected a GPU of number 0 to " + std::to_string(count - 1) + ", but received " + std::to_string(device) + ".");
  }
  bind();
  multiprocessors_ = attribute(cudaDevAttrMultiProcessorCount, device);
  sharedPerBlock_ = static_cast<std::size_t>(attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, device));
  computeCapability_ = 10 * attribute(cudaDevAttrComputeCapabilityMajor, device) + attribute(cudaDevAttrComputeCapabilityMinor, device);
  if (computeCapability_ < kLeastComputeCapability) {
    throw Error("QPVO_NO_DEVICE", "Expected a GPU of compute capability 8.0 or newer, but received " + std::to_string(computeCapability_ / 10) + "." +
                                      std::to_string(computeCapability_ % 10) + ": use the CPU (profile cpu_int8 or cpu_fp32).");
  }
  cudaFuncAttributes found{};
  check(cudaFuncGetAttributes(&found, probe), "looking for code for this GPU");
  check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "creating the stream");
  ++living;
}

Context::~Context() {
  --living;
  cudaStreamDestroy(stream_);
}

void Context::bind() const { check(cudaSetDevice(device_), "choosing the GPU"); }

void Context::synchronize() const { check(cudaStreamSynchronize(stream_), "waiting for the GPU"); }

}  // namespace qpvo::cuda
