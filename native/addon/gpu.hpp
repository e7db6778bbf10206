// SPDX-License-Identifier: MIT
#pragma once

#include <napi.h>

namespace qpvo::addon {

/// CudaPipeline and probeGpu() of src/native/addon.ts.
void defineGpu(Napi::Env env, Napi::Object exports);

}  // namespace qpvo::addon
