// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "precision.hpp"
#include "qpvo/network/update.hpp"

namespace qpvo::cuda::network {

using qpvo::network::Tensor;
using qpvo::network::Tensors;

/// Range of the values that a quantized layer takes: from 0 (after a ReLU), or on both sides of it.
enum class Range { fromZero, bothSides };

/// A fully connected layer as it comes, borrowed.
struct LinearTensors {
  std::string name;
  int inputs, outputs;
  const float* weight;        ///< [outputs][inputs], or null
  const std::int8_t* bytes;   ///< the same, or null
  const float* bias;          ///< [outputs]
  const float* weightScale;   ///< [outputs], with bytes
  float inputScale;
  Range range;

  bool int8() const { return bytes != nullptr; }
};

/// A tensor of fp32 with the given shape. @throws QPVO_MODEL
const float* floatsOf(const Tensors& tensors, const std::string& name, const std::vector<std::size_t>& shape);

/// inputs, outputs: expected, 0 = as the weights have it. Bytes are taken in int8 only. @throws QPVO_MODEL
LinearTensors linearOf(const Tensors& tensors, const std::string& name, int inputs, int outputs, Range range, Precision precision);

/// All tensors of the update operator, of fitting shapes. D = hidden width, F = correlation length.
struct UpdateTensors {
  struct Branch {
    LinearTensors first, second;
  };
  struct Aggregation {
    LinearTensors f, g, h;
  };
  struct Norm {
    const float *gamma, *beta;  ///< [D]
  };
  struct Gated {
    Norm norm;
    LinearTensors gate;
    Branch res;
  };

  /// @throws QPVO_MODEL when tensors are missing, do not fit each other, or scales are not positive
  UpdateTensors(const Tensors& tensors, int hiddenDim, int correlationLength, Precision precision);

  LinearTensors corr0, corr2, corr5;
  Norm corr3, norm;
  Branch previous, next;  ///< c1, c2
  Aggregation byPatch, byPair;
  Gated gated[2];
  const float* headWeights[2];  ///< d.1, w.1: [2][D]
  const float* headBiases[2];   ///< [2]
};

}  // namespace qpvo::cuda::network
