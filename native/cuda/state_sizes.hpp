// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include "correlation_rows.hpp"
#include "precision.hpp"
#include "qpvo/state.hpp"

namespace qpvo::cuda {

/// Questions of one kind (health, flow) that can be open between two waits.
inline constexpr int kQuestions = 4;

/// Doubles of DeviceState::healthSums per pair that is asked about: confidence, confidence x residual, inliers.
inline constexpr int kHealthSums = 3;

/// Doubles and rows of floats that the bundle adjustment keeps per pair: see bundle_adjust.hpp.
inline constexpr int kPairBlocks = 120;
inline constexpr int kPairDepthRows = 8;

/// What the arrays of the state hold.
struct StateTypes {
  Precision features;     ///< of the encoder's output: fp32 float, fp16 __half
  Precision maps;         ///< of stored maps and patch features
  Precision hidden;       ///< of hidden states: fp32 float, fp16 __half
  CorrelationRows correlation;
};

/// Elements of one map with its border.
constexpr std::size_t mapElements(int width, int height, int channels) { return static_cast<std::size_t>(width + 2 * kMapBorder) * (height + 2 * kMapBorder) * channels; }

/// Device memory that a DeviceState takes, bytes.
std::size_t stateBytes(const Options& options, const StateTypes& types);

}  // namespace qpvo::cuda
