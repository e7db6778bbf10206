// SPDX-License-Identifier: MIT
#pragma once

#include "linear.hpp"

namespace qpvo::network {

/// Two layers with a ReLU between them.
struct Branch {
  Branch(const UpdateKernels& kernels, const UpdateTensors::Branch& tensors);
  Linear first, second;
};

/// Softmax-weighted mean: h(sum of softmax(g x) * f x).
struct Aggregation {
  Aggregation(const UpdateKernels& kernels, const UpdateTensors::Aggregation& tensors);
  Linear f, g, h;
};

/// x + sigmoid(gate x) * res x.
struct GatedResidual {
  GatedResidual(const UpdateKernels& kernels, const UpdateTensors::Gated& tensors);
  Linear gate;
  Branch res;
};

struct Norm {
  Norm(const UpdateTensors::Norm& tensors, int width);
  AlignedBuffer<float> gamma, beta;
};

/// All layers of the update operator, packed. D = hidden width.
struct UpdateLayers {
  UpdateLayers(const UpdateKernels& kernels, const UpdateTensors& tensors, int hiddenDim);

  const UpdateKernels& kernels;
  int hiddenDim;
  Linear corr0, corr2, corr5;
  Norm corr3, norm;
  Branch previous, next;  ///< c1, c2
  Aggregation byPatch, byPair;
  Norm gru0, gru2;
  GatedResidual gru1, gru3;
  AlignedBuffer<float> heads;  ///< d.1 and w.1, [4][D padded]
  float headsBias[4];
  AlignedBuffer<float> previousOfNothing, nextOfNothing;  ///< c1(0), c2(0), [D padded]
};

}  // namespace qpvo::network
