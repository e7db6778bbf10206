// SPDX-License-Identifier: MIT
#pragma once

// CUDA on the CPU, for tests: as much of the runtime and of the language as this project's kernels use, so that their source compiles with a C++ compiler and runs without a GPU.
// In front of the include path it takes the place of the real header. docs/decisions/0006-cuda-kernels-run-on-the-cpu-in-tests.md

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __align__(bytes) alignas(bytes)
// One block runs at a time, so a static variable is what its threads share. By the tag the emulation finds it in the symbol table and fills it with rubbish before each block.
#define __shared__ static __attribute__((abi_tag("qpvo_shared")))

#include "emulation/vector_types.hpp"

#include "emulation/block.hpp"
#include "emulation/intrinsics.hpp"
#include "emulation/runtime_api.hpp"
#include "emulation/tensor_core.hpp"
