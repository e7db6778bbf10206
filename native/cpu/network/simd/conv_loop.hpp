// SPDX-License-Identifier: MIT
#pragma once

#include "conv_kernels.hpp"
#include "conv_lanes.hpp"

// Convolution of a row of pixels. Sums of several pixels stay in registers: per word of input one load of weights serves all of them.

namespace {

using qpvo::conv::ConvRow;
using qpvo::conv::kLanes;

constexpr int kParts = kLanes / W;  ///< vectors of a block of output channels

/// Sums of `P` pixels times `L` vectors of output channels over all taps. STEP: words from pixel to pixel, 0 = as the task says.
template <class Words, int P, int L, int STEP>
inline void convolveBlock(const ConvRow& t, const typename Words::Word* input, int block, float* out) {
  constexpr int blocksAtOnce = L / kParts;
  const long step = STEP > 0 ? STEP : t.pixelWords;
  const long blockWords = static_cast<long>(t.rows) * t.words * kLanes;
  const auto* weights = static_cast<const std::int32_t*>(t.weights) + block * blockWords;
  typename Words::Sum sum[P][L];
#pragma GCC unroll 24
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 8
    for (int l = 0; l < L; ++l) sum[p][l] = Words::from(t.start + block * kLanes + l * W);
  }
  for (int r = 0; r < t.rows; ++r) {
    const typename Words::Word* row = input + r * t.rowWords;
    for (int w = 0; w < t.words; ++w) {
      decltype(Words::weights(nullptr)) factor[L];
#pragma GCC unroll 8
      for (int l = 0; l < L; ++l) factor[l] = Words::weights(weights + (l / kParts) * blockWords + (l % kParts) * W);
#pragma GCC unroll 24
      for (int p = 0; p < P; ++p) {
        const typename Words::Word value = row[p * step + w];
#pragma GCC unroll 8
        for (int l = 0; l < L; ++l) sum[p][l] = Words::add(sum[p][l], value, factor[l]);
      }
      weights += kLanes;
    }
  }
  static_assert(blocksAtOnce * kParts == L);
#pragma GCC unroll 24
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 8
    for (int l = 0; l < L; ++l) store(out + static_cast<long>(p) * t.blocks * kLanes + l * W, Words::floats(sum[p][l]));
  }
}

#if defined(__AVX512F__)
#define QPVO_ONE_BLOCK 24, 20, 16, 12, 8, 4
#define QPVO_TWO_BLOCKS 12, 8, 4
constexpr bool kTwoBlocks = true;
#elif defined(__AVX2__)
#define QPVO_ONE_BLOCK 6, 4, 2
#define QPVO_TWO_BLOCKS 2
constexpr bool kTwoBlocks = false;
#elif defined(__aarch64__)
#define QPVO_ONE_BLOCK 6, 4, 2
#define QPVO_TWO_BLOCKS 2
constexpr bool kTwoBlocks = false;
#else
#define QPVO_ONE_BLOCK 2, 1
#define QPVO_TWO_BLOCKS 1
constexpr bool kTwoBlocks = false;
#endif

/// The last pixels of a row with the smallest of the block sizes that takes them, begun earlier where the row is long enough (the overlap comes out the same twice).
template <class Words, int L, int STEP, int P, int... Smaller>
inline void convolveRest(const ConvRow& t, const typename Words::Word* input, int block, float* out, int done) {
  if constexpr (sizeof...(Smaller) > 0) {
    constexpr int kSizes[] = {Smaller...};
    if (t.pixels - done <= kSizes[0]) return convolveRest<Words, L, STEP, Smaller...>(t, input, block, out, done);
  }
  const long first = t.pixels >= P ? t.pixels - P : 0;
  const long step = STEP > 0 ? STEP : t.pixelWords;
  convolveBlock<Words, P, L, STEP>(t, input + first * step, block, out + first * t.blocks * kLanes);
}

template <class Words, int L, int STEP, int P, int... Smaller>
inline void convolvePixels(const ConvRow& t, int block) {
  const auto* input = static_cast<const typename Words::Word*>(t.input);
  float* out = t.out + block * kLanes;
  const long step = STEP > 0 ? STEP : t.pixelWords;
  int done = 0;
  for (; done + P <= t.pixels; done += P) convolveBlock<Words, P, L, STEP>(t, input + done * step, block, out + static_cast<long>(done) * t.blocks * kLanes);
  if (done < t.pixels) convolveRest<Words, L, STEP, P, Smaller...>(t, input, block, out, done);
}

template <class Words, int STEP>
void convolveBlocks(const ConvRow& t) {
  int block = 0;
  if constexpr (kTwoBlocks) {
    for (; block + 2 <= t.blocks; block += 2) convolvePixels<Words, 2 * kParts, STEP, QPVO_TWO_BLOCKS>(t, block);
  }
  for (; block < t.blocks; ++block) convolvePixels<Words, kParts, STEP, QPVO_ONE_BLOCK>(t, block);
}

/// The distances between pixels that the networks have become constants of the code.
template <class Words>
void convolve(const ConvRow& t) {
  switch (t.pixelWords) {
    case 2: return convolveBlocks<Words, 2>(t);
    case 4: return convolveBlocks<Words, 4>(t);
    case 6: return convolveBlocks<Words, 6>(t);
    case 8: return convolveBlocks<Words, 8>(t);
    case 16: return convolveBlocks<Words, 16>(t);
    case 32: return convolveBlocks<Words, 32>(t);
    case 64: return convolveBlocks<Words, 64>(t);
    default: return convolveBlocks<Words, 0>(t);
  }
}

}  // namespace
