// SPDX-License-Identifier: MIT
#pragma once

#include "precision.hpp"
#include "runtime/copy.hpp"

namespace qpvo::tensorrt {

/// planes [channels][pixels] float -> map [pixels][channels], float for fp32 and __half otherwise.
void toChannelsLast(const float* planes, int channels, int pixels, cuda::Precision precision, void* map, cudaStream_t stream);

}  // namespace qpvo::tensorrt
