// SPDX-License-Identifier: MIT
#include "runtime/check.hpp"

#include <string>

#include "qpvo/error.hpp"

namespace qpvo::cuda {

namespace {

struct Meaning {
  const char* code;
  const char* advice;
};

Meaning meaning(cudaError_t status) {
  switch (status) {
    case cudaErrorMemoryAllocation:
      return {"QPVO_OUT_OF_MEMORY", "Close other programs on the GPU, or choose a model, an image size or windows that need less."};
    case cudaErrorInsufficientDriver:
      return {"QPVO_NO_DEVICE", "No driver is loaded, or it is older than the CUDA runtime of this build: install or update the NVIDIA driver."};
    case cudaErrorNoDevice:
    case cudaErrorInvalidDevice:
      return {"QPVO_NO_DEVICE", "No such GPU is visible: `nvidia-smi` lists them; CUDA_VISIBLE_DEVICES hides some."};
    case cudaErrorInitializationError:
    case cudaErrorSystemNotReady:
    case cudaErrorSystemDriverMismatch:
    case cudaErrorCompatNotSupportedOnDevice:
    case cudaErrorDevicesUnavailable:
      return {"QPVO_NO_DEVICE", "The driver is there but does not work: see whether `nvidia-smi` does; a reboot mends a driver that was updated while loaded."};
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorInvalidDeviceFunction:
    case cudaErrorUnsupportedPtxVersion:
      return {"QPVO_NO_DEVICE", "This build has no code for this GPU: build on a machine that has one, or with its compute capability, such as QPVO_CUDA_ARCHITECTURES=86 QPVO_CUDA=ON npm run build."};
    default:
      return {"QPVO_DEVICE_LOST", "The state on the GPU is lost; open it anew. The kernel log (`dmesg`, lines with Xid) tells more about a failed GPU."};
  }
}

}  // namespace

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  const auto [code, advice] = meaning(status);
  throw Error(code, std::string(what) + ": expected success of CUDA, but received " + cudaGetErrorName(status) + " (" + cudaGetErrorString(status) + "). " + advice);
}

}  // namespace qpvo::cuda
