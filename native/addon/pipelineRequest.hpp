// SPDX-License-Identifier: MIT
#pragma once

#include <napi.h>

#include "../cuda/pipeline.hpp"

namespace qpvo::addon {

/// What a pipeline is made from. Borrows the arrays of the arguments: keep those until it is made.
struct PipelineRequest {
  cuda::PipelineOptions options;
  const float* map;
  cuda::EncoderMaker encoder;
  cuda::UpdateMaker update;
};

/// The arguments (options, undistortion map, weights, engines) of CudaPipeline.create in src/native/addon.ts.
PipelineRequest readPipelineRequest(const Napi::CallbackInfo& info);

}  // namespace qpvo::addon
