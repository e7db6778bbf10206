// SPDX-License-Identifier: MIT
#pragma once

#include "linear.hpp"

namespace qpvo::network {

/// Two layers with a ReLU between them.
struct Branch {
  Branch(const UpdateKernels& kernels, const Tensors& tensors, const std::string& first, const std::string& second, int width);
  Linear first, second;
};

/// Softmax-weighted mean: h(sum of softmax(g x) * f x).
struct Aggregation {
  Aggregation(const UpdateKernels& kernels, const Tensors& tensors, const std::string& name, int width);
  Linear f, g, h;
};

/// x + sigmoid(gate x) * res x.
struct GatedResidual {
  GatedResidual(const UpdateKernels& kernels, const Tensors& tensors, const std::string& name, int width);
  Linear gate;
  Branch res;
};

struct Norm {
  Norm(const Tensors& tensors, const std::string& name, int width);
  AlignedBuffer<float> gamma, beta;
};

/// All layers of the update operator, packed. D = hidden width, F = correlation length.
struct UpdateLayers {
  UpdateLayers(const UpdateKernels& kernels, const Tensors& tensors, int hiddenDim, int correlationLength);

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
