// SPDX-License-Identifier: MIT
#pragma once

#include <cuda_runtime.h>

#include "conv_passes.hpp"
#include "device/warp.cuh"

// Mean and sum of squared deviations of every channel, joined in a fixed order (Chan, Golub, LeVeque: Updating formulae and a pairwise algorithm for computing sample
// variances, 1979). Deviations are taken from a mean of their own neighbourhood at every stage, so that a large mean does not drown the structure.

namespace qpvo::cuda::network::conv {

struct Moments {
  float count, mean, squares;

  __device__ __forceinline__ void join(const Moments& other) {
    if (other.count == 0) return;
    const float all = count + other.count, share = other.count / all, off = other.mean - mean;
    mean = fmaf(off, share, mean);
    squares += fmaf(off * off, count * share, other.squares);
    count = all;
  }
};

/// The moments of some channels, of as many values each.
template <int CHANNELS>
struct ChannelMoments {
  float count, mean[CHANNELS], squares[CHANNELS];
};

/// Joins what lanes at a distance of `mask` and less, down to 4, have of the same channels, lower lanes first. At every stage a lane gives away half of its channels as
/// long as it has more than one, so lane (g, t) ends with the channels from g * CHANNELS / 8 on; with less than 8 channels neighbours end with the same one.
template <int CHANNELS>
__device__ __forceinline__ auto joinLanes(const ChannelMoments<CHANNELS>& own, int mask) {
  constexpr int kKept = CHANNELS > 1 ? CHANNELS / 2 : 1;
  const bool upper = (laneIndex() & mask) != 0;
  const float otherCount = __shfl_xor_sync(kAllLanes, own.count, mask), count = own.count + otherCount;
  const float share = count > 0 ? (upper ? own.count : otherCount) / count : 0, weight = (upper ? otherCount : own.count) * share;
  ChannelMoments<kKept> joined;
  joined.count = count;
#pragma unroll
  for (int k = 0; k < kKept; ++k) {
    const int first = k, second = CHANNELS > 1 ? k + kKept : k;
    const float mean = upper ? own.mean[second] : own.mean[first], squares = upper ? own.squares[second] : own.squares[first];
    const float otherMean = __shfl_xor_sync(kAllLanes, upper ? own.mean[first] : own.mean[second], mask);
    const float otherSquares = __shfl_xor_sync(kAllLanes, upper ? own.squares[first] : own.squares[second], mask);
    const float low = upper ? otherMean : mean, off = (upper ? mean : otherMean) - low;
    joined.mean[k] = fmaf(off, share, low);
    joined.squares[k] = fmaf(off * off, weight, squares + otherSquares);
  }
  return joined;
}

/// Of the values of one lane: channel 2 n + k of the result is columns k of product n. WHOLE: all positions are inside.
template <bool WHOLE, class C, int MT, int NT>
__device__ __forceinline__ void laneMoments(ChannelMoments<2 * NT>& out, const C (&c)[MT][NT], const bool (&inside)[MT][2]) {
  float count = WHOLE ? 2.f * MT : 0.f;
#pragma unroll
  for (int i = 0; i < 2 * MT; ++i) count += !WHOLE && inside[i / 2][i % 2] ? 1.f : 0.f;
  const float share = count > 0 ? 1 / count : 0;
  out.count = count;
#pragma unroll
  for (int channel = 0; channel < 2 * NT; ++channel) {
    float values[2 * MT], sum = 0, squares = 0;
#pragma unroll
    for (int i = 0; i < 2 * MT; ++i) {
      values[i] = static_cast<float>(c[i / 2][channel / 2].x[i % 2 * 2 + channel % 2]);
      sum += WHOLE || inside[i / 2][i % 2] ? values[i] : 0.f;
    }
    const float mean = sum * share;
#pragma unroll
    for (int i = 0; i < 2 * MT; ++i) {
      const float off = WHOLE || inside[i / 2][i % 2] ? values[i] - mean : 0.f;
      squares = fmaf(off, off, squares);
    }
    out.mean[channel] = mean;
    out.squares[channel] = squares;
  }
}

/// Of one tile of a map, NT x 8 channels. inside[m][h] says whether position 16 m + g + 8 h is in the map. shared: [kMapWarps][NT * 8], all threads of the block take
/// part.
template <class C, int MT, int NT>
__device__ __forceinline__ void storeMoments(const C (&c)[MT][NT], const bool (&inside)[MT][2], Moments* shared, float2* out) {
  const int lane = laneIndex(), g = lane / 4, t = lane % 4;
  bool allInside = true;
#pragma unroll
  for (int i = 0; i < 2 * MT; ++i) allInside = allInside && inside[i / 2][i % 2];
  ChannelMoments<2 * NT> own;
  if (__all_sync(kAllLanes, allInside)) {
    laneMoments<true>(own, c, inside);
  } else {
    laneMoments<false>(own, c, inside);
  }
  const auto warp = joinLanes(joinLanes(joinLanes(own, 16), 8), 4);
  constexpr int kLeft = sizeof(warp.mean) / sizeof(float), kLanesOfChannel = kLeft * 8 / (2 * NT);
#pragma unroll
  for (int k = 0; k < kLeft; ++k) {
    const int channel = g / kLanesOfChannel * kLeft + k, n = channel / 2;
    if (g % kLanesOfChannel == 0) shared[warpIndex() * NT * 8 + n / 2 * 16 + 4 * t + n % 2 * 2 + channel % 2] = {warp.count, warp.mean[k], warp.squares[k]};
  }
  __syncthreads();
  for (int channel = static_cast<int>(threadIdx.x); channel < NT * 8; channel += kMapWarps * kWarp) {
    Moments all = shared[channel];
    for (int w = 1; w < kMapWarps; ++w) all.join(shared[w * NT * 8 + channel]);
    out[channel] = {all.mean, all.squares};
  }
  __syncthreads();
}

}  // namespace qpvo::cuda::network::conv
