// SPDX-License-Identifier: MIT
#include "gpu.hpp"

namespace qpvo::addon {

/// Built without CUDA: nothing of GPUs is there, which is how callers tell.
void defineGpu(Napi::Env, Napi::Object) {}

}  // namespace qpvo::addon
