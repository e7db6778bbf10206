// SPDX-License-Identifier: MIT
#pragma once

#include "device/async_copy.cuh"
#include "rows_layout.cuh"

namespace qpvo::cuda::network {

/// What a layer multiplies: the native type of the variant, bytes from -128 to 127, or bytes from 0 to 255.
enum class Input : int { native, signedBytes, unsignedBytes };

/// A fully connected layer, packed. Weights are panels of V::kColumns rows, one an output: all of a pass, then the next pass. Outputs beyond those of the layer are zero.
struct Layer {
  const unsigned char* weights;
  const float* bias;    ///< [passes * kColumns], in the order of the columns
  const float* scale;   ///< int8 only: input scale * weight scale, likewise
  float inverseScale;   ///< int8 only: 1 / input scale
  Input input;
  int panels;           ///< of the input
  int passes;           ///< of kColumns columns each
};

struct Norm {
  const float *gamma, *beta;  ///< [kColumns], zero beyond the width
};

/// All weights of a kernel, in the order in which its layers take them: the panels ahead are on their way into shared memory while one is multiplied, also from layer
/// to layer.
template <class V>
class WeightStream {
 public:
  /// stages: shared memory for `count` panels (1 to 3; with 1 nothing goes on beside the arithmetic); none in fp32, which reads its weights where they are.
  __device__ __forceinline__ WeightStream(const unsigned char* weights, int panels, unsigned char* stages, int count)
      : next_(weights), left_(panels), stages_(stages), count_(count), taken_(0), filled_(0) {
    if constexpr (V::kPrecision != Precision::fp32) {
      for (int i = 1; i < count; ++i) ask();
    }
  }

  /// The next panel. A barrier: what other threads wrote before is seen, and all threads are through with the panels taken before.
  __device__ __forceinline__ const unsigned char* take() {
    if constexpr (V::kPrecision == Precision::fp32) {
      __syncthreads();
      next_ += V::kWeightPanelBytes;
      return next_ - V::kWeightPanelBytes;
    } else {
      if (count_ == 1) {
        __syncthreads();
        ask();
      }
      if (count_ < 3) {
        waitCopies<0>();
      } else {
        waitCopies<1>();
      }
      __syncthreads();
      if (count_ > 1) ask();
      const unsigned char* panel = stages_ + taken_ * V::kWeightPanelBytes;
      taken_ = taken_ + 1 == count_ ? 0 : taken_ + 1;
      return panel;
    }
  }

 private:
  __device__ __forceinline__ void ask() {
    if (left_ > 0) {
      unsigned char* stage = stages_ + filled_ * V::kWeightPanelBytes;
#pragma unroll
      for (int at = 0; at < V::kWeightPanelBytes; at += V::kThreads * kPieceBytes) {
        const int offset = at + static_cast<int>(threadIdx.x) * kPieceBytes;
        copyAsync16Once(stage + offset, next_ + offset);
      }
      next_ += V::kWeightPanelBytes;
      --left_;
      filled_ = filled_ + 1 == count_ ? 0 : filled_ + 1;
    }
    commitCopies();
  }

  const unsigned char* next_;
  int left_;
  unsigned char* stages_;
  int count_, taken_, filled_;
};

}  // namespace qpvo::cuda::network
