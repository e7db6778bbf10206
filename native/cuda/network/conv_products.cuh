// SPDX-License-Identifier: MIT
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>

#include "conv_passes.hpp"
#include "device/mma.cuh"
#include "device/warp.cuh"

// The inner loop of all convolutions: an implicit matrix product, output positions by channels. A tile of the input lies in shared memory, and a row of the matrix is not
// copied: each chunk of it is read where it lies, at the position's place plus the offset of the chunk (tap and channels). Two chunks are one step of `mma`.
//
// A warp computes MT x 16 positions by NT x 8 channels. Of those, lane (g, t) = (lane / 4, lane % 4) holds c[m][n].x[i]:
//   position 16 m + g + 8 (i / 2), channel 16 (n / 2) + 4 t + 2 (n % 2) + i % 2,
// so columns 2 t, 2 t + 1 of two neighbouring products are four neighbouring channels, which are read and written together.
//
// Weights: halves and bytes [step][outputs / 16][lane]: the words b0, b1 of both products (device/mma.cuh), 16 bytes, which a warp reads as one run through the L1 cache.
//          floats [step][8][outputs].

namespace qpvo::cuda::network::conv {

/// Where positions lie in a tile.
struct Walk {
  int width, count;           ///< positions of a row; all. Beyond the last one comes the last one.
  int rowBytes, columnBytes;  ///< from position to position
  int origin = 0;

  __device__ __forceinline__ int at(int position) const {
    const int p = position < count ? position : count - 1;
    return origin + p / width * rowBytes + p % width * columnBytes;
  }
};

/// Positions on 16 bytes: their rows come from shared memory as fragments.
template <class A>
struct MatrixRows {
  const unsigned char* row;
  int half;

  __device__ __forceinline__ void place(const unsigned char* tile, const Walk& walk, int first) {
    row = tile + walk.at(first + laneIndex() % 16);
    half = laneIndex() / 16;
  }
  __device__ __forceinline__ void load(A& a, const int* offsets) const { loadMatrix4(a.x, row + offsets[half]); }
};

/// Positions on 4 bytes, as in an image.
template <class A>
struct WordRows {
  const unsigned char *low, *high;

  __device__ __forceinline__ void place(const unsigned char* tile, const Walk& walk, int first) {
    const int g = laneIndex() / 4, t = laneIndex() % 4;
    low = tile + walk.at(first + g) + 4 * t;
    high = tile + walk.at(first + g + 8) + 4 * t;
  }
  __device__ __forceinline__ void load(A& a, const int* offsets) const {
#pragma unroll
    for (int k = 0; k < 2; ++k) {
      a.x[2 * k] = *reinterpret_cast<const unsigned*>(low + offsets[k]);
      a.x[2 * k + 1] = *reinterpret_cast<const unsigned*>(high + offsets[k]);
    }
  }
};

struct ByteProduct {
  using Element = std::uint8_t;
  using C = CInt;
  using A = AByte;
  using B = BByte;
  using Rows = MatrixRows<A>;
  static constexpr Form kForm = Form::bytes;
  static __device__ __forceinline__ void multiply(C& c, const A& a, const B& b) { mmaUnsigned(c, a, b); }
};

struct HalfProduct {
  using Element = __half;
  using C = CFloat;
  using A = AHalf;
  using B = BHalf;
  using Rows = MatrixRows<A>;
  static constexpr Form kForm = Form::halves;
  static __device__ __forceinline__ void multiply(C& c, const A& a, const B& b) { mma(c, a, b); }
};

/// Halves of an image.
struct ImageProduct : HalfProduct {
  using Rows = WordRows<A>;
};

/// fp32 on ordinary cores, every lane the sums that it would have on tensor cores.
struct FloatProduct {
  using Element = float;
  using C = CFloat;
  static constexpr Form kForm = Form::floats;
};

/// Offsets of the chunks of a convolution in a tile, [2 * steps]. The odd one out at the end meets weights of zero.
__device__ __forceinline__ void listOffsets(int* offsets, const Taps& taps, int rowBytes, int columnBytes) {
  for (int chunk = static_cast<int>(threadIdx.x); chunk < 2 * taps.steps(); chunk += static_cast<int>(blockDim.x)) {
    const int tap = chunk / taps.groups, group = chunk % taps.groups;
    offsets[chunk] = chunk < taps.chunks() ? tap / taps.columns * rowBytes + tap % taps.columns * columnBytes + group * kChunkBytes : 0;
  }
}

struct alignas(16) WeightWords {
  unsigned x[4];
};

/// On tensor cores. The weights of the next step are on their way while this one is multiplied.
template <class Product, int MT, int NT>
__device__ __forceinline__ void accumulateWords(typename Product::C (&c)[MT][NT], const unsigned char* tile, const Walk& walk, int first, const int* offsets,
                                                const Multiplier& m, int channel) {
  constexpr int kPairs = NT / 2;
  const int stepWords = m.outputs / kChannelStep * kWarp, steps = m.taps.steps();
  const WeightWords* __restrict__ weights = static_cast<const WeightWords*>(m.weights) + channel / kChannelStep * kWarp + laneIndex();
  typename Product::Rows rows[MT];
#pragma unroll
  for (int i = 0; i < MT; ++i) rows[i].place(tile, walk, first + 16 * i);
  WeightWords next[kPairs];
#pragma unroll
  for (int pair = 0; pair < kPairs; ++pair) next[pair] = weights[pair * kWarp];
  for (int step = 0; step < steps; ++step) {
    WeightWords now[kPairs];
    weights += step + 1 < steps ? stepWords : 0;
#pragma unroll
    for (int pair = 0; pair < kPairs; ++pair) {
      now[pair] = next[pair];
      next[pair] = weights[pair * kWarp];
    }
#pragma unroll
    for (int i = 0; i < MT; ++i) {
      typename Product::A a;
      rows[i].load(a, offsets + 2 * step);
#pragma unroll
      for (int n = 0; n < NT; ++n) {
        const typename Product::B b = {now[n / 2].x[2 * (n % 2)], now[n / 2].x[2 * (n % 2) + 1]};
        Product::multiply(c[i][n], a, b);
      }
    }
  }
}

/// In fp32: two channels of the 2 MT positions of a lane at a time.
template <int MT, int NT>
__device__ __forceinline__ void accumulateFloats(CFloat (&c)[MT][NT], const unsigned char* tile, const Walk& walk, int first, const int* offsets, const Multiplier& m,
                                                 int channel) {
  constexpr int kChunkFloats = kChunkBytes / 4;
  const int g = laneIndex() / 4, t = laneIndex() % 4;
  const float* __restrict__ weights = static_cast<const float*>(m.weights) + channel + 4 * t;
  const unsigned char* rows[2 * MT];
#pragma unroll
  for (int i = 0; i < 2 * MT; ++i) rows[i] = tile + walk.at(first + 8 * i + g);
  for (int chunk = 0; chunk < 2 * m.taps.steps(); ++chunk) {
#pragma unroll
    for (int k = 0; k < kChunkFloats; k += 2, weights += 2 * m.outputs) {
      float2 x[2 * MT];
#pragma unroll
      for (int i = 0; i < 2 * MT; ++i) x[i] = *reinterpret_cast<const float2*>(rows[i] + offsets[chunk] + 4 * k);
#pragma unroll
      for (int n = 0; n < NT; n += 2) {
        const float4 a = *reinterpret_cast<const float4*>(weights + 8 * n), b = *reinterpret_cast<const float4*>(weights + m.outputs + 8 * n);
#pragma unroll
        for (int i = 0; i < 2 * MT; ++i) {
          float* low = c[i / 2][n].x + i % 2 * 2;
          float* high = c[i / 2][n + 1].x + i % 2 * 2;
          low[0] = fmaf(x[i].y, b.x, fmaf(x[i].x, a.x, low[0]));
          low[1] = fmaf(x[i].y, b.y, fmaf(x[i].x, a.y, low[1]));
          high[0] = fmaf(x[i].y, b.z, fmaf(x[i].x, a.z, high[0]));
          high[1] = fmaf(x[i].y, b.w, fmaf(x[i].x, a.w, high[1]));
        }
      }
    }
  }
}

/// Sums of MT x 16 positions from `first` on and NT x 8 channels from `channel` on.
template <class Product, int MT, int NT>
__device__ __forceinline__ void accumulate(typename Product::C (&c)[MT][NT], const unsigned char* tile, const Walk& walk, int first, const int* offsets,
                                           const Multiplier& m, int channel) {
  __syncwarp();  // lanes that skipped the end of an earlier round
#pragma unroll
  for (int i = 0; i < MT; ++i) {
#pragma unroll
    for (int n = 0; n < NT; ++n) c[i][n] = {};
  }
  if constexpr (Product::kForm == Form::floats) {
    accumulateFloats(c, tile, walk, first, offsets, m, channel);
  } else {
    accumulateWords<Product>(c, tile, walk, first, offsets, m, channel);
  }
}

/// The four channels 16 pair + 4 t of row half `h` of a lane, as floats.
template <class C, int NT>
__device__ __forceinline__ void fourOf(float (&v)[4], const C (&c)[NT], int pair, int h) {
#pragma unroll
  for (int i = 0; i < 4; ++i) v[i] = static_cast<float>(c[2 * pair + i / 2].x[2 * h + i % 2]);
}

}  // namespace qpvo::cuda::network::conv
