// SPDX-License-Identifier: MIT
#pragma once

#include "state.hpp"

// The steps of an iteration of the bundle adjustment, in this order, and the layout of what they hand to each other. R as in ops.hpp.

namespace qpvo::cuda {

/// Normal equations of every pair, a block each: pairBlocks, pairDepth, pairValid, and the rows of the coupling that belong to its target. No pair may stand in the table
/// twice.
void linearizePairs(DeviceState& state, cudaStream_t stream);

/// Of every source: depth Hessian and gradient (depthVariance, depthGradient), and the other rows of the coupling of its depths with the poses.
void gatherSources(DeviceState& state, cudaStream_t stream);

/// Reduced camera system with its damping: S = B - E Q E^T, y = v - E Q u.
void reduceSystem(DeviceState& state, cudaStream_t stream);

/// step = S^-1 y in one block, poseCovariance and report.
void solveSystem(DeviceState& state, cudaStream_t stream);

/// Poses and depths by the step; nothing once the report says that a system was not solved.
void applyStep(DeviceState& state, cudaStream_t stream);

/// Doubles of DeviceState::pairBlocks per pair (source i, target j), matrices [6][6], with A = Ad(T_j_i): what the pair adds to the normal equations of the poses.
inline constexpr int kBlockTarget = 0;          ///< H_jj, to (j, j)
inline constexpr int kBlockSource = 36;         ///< A^T H A, to (i, i)
inline constexpr int kBlockCross = 72;          ///< -A^T H, to (i, j)
inline constexpr int kGradientTarget = 108;     ///< v_j
inline constexpr int kGradientSource = 114;     ///< -A^T v_j

/// Rows of DeviceState::pairDepth, one float per patch each.
inline constexpr int kDepthHessianRow = 0;    ///< J_d^T W J_d
inline constexpr int kDepthGradientRow = 1;   ///< J_d^T W r
inline constexpr int kSourceCouplingRow = 2;  ///< -A^T J_j^T W J_d, six rows

/// First of the patches' values in row `row` of the coupling E of a source slot, [R][6 R][patchStride]; rows of pose variable v: 6 v .. 6 v + 5.
__host__ __device__ inline std::size_t couplingRow(int slot, int row, int ringSlots, int patchStride) {
  return (static_cast<std::size_t>(slot) * 6 * ringSlots + row) * patchStride;
}

}  // namespace qpvo::cuda
