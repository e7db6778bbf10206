// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "qpvo/network/update.hpp"

namespace qpvo::network {

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

/// All tensors of the update operator, of fitting shapes; borrowed. D = hidden width, F = correlation length.
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

  /// A layer whose weight has bytes needs `<layer>.weight_scale` and `<layer>.input_scale`.
  /// @throws QPVO_MODEL when tensors are missing, do not fit each other, have bytes that are not taken, or scales are not positive
  UpdateTensors(const Tensors& tensors, int hiddenDim, int correlationLength, bool takesInt8);

  LinearTensors corr0, corr2, corr5;
  Norm corr3, norm;
  Branch previous, next;  ///< c1, c2
  Aggregation byPatch, byPair;
  Gated gated[2];
  const float* headWeights[2];  ///< d.1, w.1: [2][D]
  const float* headBiases[2];   ///< [2]
};

}  // namespace qpvo::network
