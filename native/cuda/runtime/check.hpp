// SPDX-License-Identifier: MIT
#pragma once

#include <cuda_runtime.h>

namespace qpvo::cuda {

/// Nothing for cudaSuccess. @throws Error with the CUDA error's name and text, what was being done, and what to do:
/// QPVO_OUT_OF_MEMORY; QPVO_NO_DEVICE for no driver, a driver that is too old, no GPU, or one that this build has no code for; QPVO_DEVICE_LOST for the rest,
/// after which no call on the device succeeds any more in this process, or only after cudaDeviceReset.
void check(cudaError_t status, const char* what);

}  // namespace qpvo::cuda
