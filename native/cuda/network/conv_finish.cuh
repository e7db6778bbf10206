// SPDX-License-Identifier: MIT
#pragma once

#include "conv_elements.cuh"

// Values from sums, four neighbouring channels at a time.

namespace qpvo::cuda::network::conv {

/// v = v * scale + bias of the channels from `channel` on.
__device__ __forceinline__ void scaleFour(float (&v)[4], const Multiplier& conv, int channel) {
  float scale[4], bias[4];
  load(scale, conv.scale + channel);
  load(bias, conv.bias + channel);
#pragma unroll
  for (int i = 0; i < 4; ++i) v[i] = fmaf(v[i], scale[i], bias[i]);
}

/// Channels from `channel` on of the pixel that starts at element `at`, those below `outputs`.
__device__ __forceinline__ void storeFour(void* out, Form form, std::size_t at, int channel, int outputs, float (&v)[4], float inverseStep) {
  if (outputs % 4 == 0) {
    if (channel < outputs) storeForm(out, form, at + channel, v, inverseStep);
    return;
  }
  for (int i = 0; i < 4 && channel + i < outputs; ++i) {
    if (form == Form::halves) {
      storeOne(static_cast<__half*>(out) + at + channel + i, v[i]);
    } else {
      storeOne(static_cast<float*>(out) + at + channel + i, v[i]);
    }
  }
}

}  // namespace qpvo::cuda::network::conv
