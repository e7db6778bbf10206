// SPDX-License-Identifier: MIT
#include <algorithm>

#include "bundle_adjust.hpp"
#include "device/shared.cuh"
#include "device/warp.cuh"
#include "finite.cuh"
#include "reproject.cuh"
#include "runtime/launch.hpp"

namespace qpvo::cuda {

namespace {

constexpr int kThreads = 256;
constexpr int kBlock = 6;                           ///< rows and columns of a pose
constexpr int kMostRows = 6 * 256;                  ///< of the largest ring that the options allow
constexpr std::size_t kMostShared = 32 * 1024;      ///< bytes for the system: 89 rows

struct SolveTask {
  PairTables pairs;
  const std::int32_t* poseVariable;
  const BundleAdjustOptions* options;
  const std::int32_t* pairValid;
  double* system;  ///< [n + 1][n]
  double *step, *covariance;
  AdjustmentReport* report;
  const float *coupling, *depthVariance, *depthGradient;
  double* poses;
  float* inverseDepth;
  int ringSlots, patches, patchStride;
  int sharedDoubles;
};

/// The lower triangle with the right side as one more row: packed in shared memory where it fits, else in rows of n in global memory.
struct LowerRows {
  double* data;
  int n;
  bool packed;
  __device__ double& at(int r, int c) const { return data[packed ? r * (r + 1) / 2 + c : r * n + c]; }
};

/// Of the block of six columns from `first`, by one thread: L D L^T of the diagonal block, columns left as L d, inverse = 1 / d. False when a d is not positive.
__device__ bool factorizeDiagonal(const LowerRows& S, int first, double* inverse) {
  double unit[kBlock][kBlock];
  for (int c = 0; c < kBlock; ++c) {
    double d = S.at(first + c, first + c);
    for (int k = 0; k < c; ++k) d -= unit[c][k] * S.at(first + c, first + k);
    if (!(d > 0) || !isFinite(d)) return false;
    S.at(first + c, first + c) = d;
    inverse[first + c] = 1 / d;
    for (int r = c + 1; r < kBlock; ++r) {
      double value = S.at(first + r, first + c);
      for (int k = 0; k < c; ++k) value -= S.at(first + r, first + k) * unit[c][k];
      S.at(first + r, first + c) = value;
      unit[r][c] = value * inverse[first + c];
    }
  }
  return true;
}

/// The same columns of a row below.
__device__ void eliminateRow(const LowerRows& S, int first, int r, const double* inverse) {
  double row[kBlock];
#pragma unroll
  for (int c = 0; c < kBlock; ++c) {
    row[c] = S.at(r, first + c);
#pragma unroll
    for (int k = 0; k < c; ++k) row[c] -= row[k] * (S.at(first + c, first + k) * inverse[first + k]);
  }
#pragma unroll
  for (int c = 0; c < kBlock; ++c) S.at(r, first + c) = row[c];
}

/// What the block takes from columns [from, from + kBlock) of row r further right.
__device__ void subtractBlock(const LowerRows& S, int first, int r, int from, const double* inverse) {
  double row[kBlock];
#pragma unroll
  for (int k = 0; k < kBlock; ++k) row[k] = S.at(r, first + k) * inverse[first + k];
#pragma unroll
  for (int c = 0; c < kBlock; ++c) {
    if (from + c > r) continue;
    double value = S.at(r, from + c);
#pragma unroll
    for (int k = 0; k < kBlock; ++k) value -= row[k] * S.at(from + c, first + k);
    S.at(r, from + c) = value;
  }
}

/// S = L D L^T in place by blocks of six columns, without roots: column c is left as L d_c, inverse[c] = 1 / d_c. The right side, as the last row, becomes z with L z =
/// y. False when S is not positive definite.
__device__ bool factorize(const LowerRows& S, double* inverse) {
  __shared__ int failed;
  const int thread = static_cast<int>(threadIdx.x);
  for (int first = 0; first < S.n; first += kBlock) {
    if (thread == 0) failed = factorizeDiagonal(S, first, inverse) ? 0 : 1;
    __syncthreads();
    if (failed != 0) return false;
    const int below = first + kBlock, rows = S.n + 1 - below, blocks = (S.n - below) / kBlock;
    for (int i = thread; i < rows; i += kThreads) eliminateRow(S, first, below + i, inverse);
    __syncthreads();
    for (int i = thread; i < rows * blocks; i += kThreads) {
      const int r = below + i % rows, from = below + i / rows * kBlock;
      if (from <= r) subtractBlock(S, first, r, from, inverse);
    }
    __syncthreads();
  }
  return true;
}

/// x of L^T x = D^-1 z, in place of z, by one warp: when x_r is known, every row above loses its share.
__device__ void substitute(const LowerRows& S, const double* inverse) {
  for (int r = S.n - 1; r >= 0; --r) {
    const double x = S.at(S.n, r) * inverse[r];
    __syncwarp();
    for (int k = laneIndex(); k < r; k += kWarp) S.at(S.n, k) -= S.at(r, k) * x;
    if (laneIndex() == 0) S.at(S.n, r) = x;
    __syncwarp();
  }
}

/// With S = L D L^T the last block of the inverse needs the last blocks of L and D alone. A thread per entry.
__device__ void storeCovariance(const LowerRows& S, const double* inverse, double* covariance) {
  __shared__ double unit[36];  ///< of the last block of L, the inverse
  const int n = S.n, first = n - 6, c = static_cast<int>(threadIdx.x);
  if (c < 6) {
    for (int r = 0; r < 6; ++r) {
      double value = r == c ? 1 : 0;
      for (int k = c; k < r; ++k) value -= S.at(first + r, first + k) * inverse[first + k] * unit[6 * k + c];
      unit[6 * r + c] = r < c ? 0 : value;
    }
  }
  __syncthreads();
  if (c < 36) {
    double sum = 0;
    for (int k = 0; k < 6; ++k) sum += unit[6 * k + c / 6] * unit[6 * k + c % 6] * inverse[first + k];
    covariance[c] = sum;
  }
}

/// One block.
__global__ void __launch_bounds__(kThreads) solveKernel(SolveTask t) {
  __shared__ double inverse[kMostRows];
  __shared__ int counts[kWarp];
  const int thread = static_cast<int>(threadIdx.x), pairs = t.pairs.sourceFirst[t.ringSlots];
  int valid = 0;
  for (int e = thread; e < pairs; e += kThreads) valid += t.pairValid[t.pairs.bySource[e]];
  valid = blockSum<kThreads>(valid, counts);
  if (thread == 0) t.report->validEdges = valid;
  const int n = 6 * t.options->freePoses;
  if (n == 0 || t.report->solved == 0) return;
  const int triangle = (n + 1) * (n + 2) / 2;
  const LowerRows S{triangle <= t.sharedDoubles ? dynamicShared<double>() : t.system, n, triangle <= t.sharedDoubles};
  if (S.packed) {
    for (int i = thread; i < (n + 1) * n; i += kThreads) {
      if (i % n <= i / n) S.at(i / n, i % n) = t.system[i];
    }
    __syncthreads();
  }
  if (!factorize(S, inverse)) {
    if (thread == 0) t.report->solved = 0;
    return;
  }
  if (warpIndex() == 0) substitute(S, inverse);
  __syncthreads();
  int broken = 0;
  for (int r = thread; r < n; r += kThreads) broken += !isFinite(S.at(n, r));
  if (blockSum<kThreads>(broken, counts) != 0) {
    if (thread == 0) t.report->solved = 0;
    return;
  }
  for (int r = thread; r < n; r += kThreads) t.step[r] = S.at(n, r);
  storeCovariance(S, inverse, t.covariance);
}

constexpr int kApplyThreads = 128;

/// A block per slot.
__global__ void __launch_bounds__(kApplyThreads) applyKernel(SolveTask t) {
  __shared__ float step[kMostRows];
  if (t.report->solved == 0) return;
  const int slot = static_cast<int>(blockIdx.x), thread = static_cast<int>(threadIdx.x), rows = 6 * t.options->freePoses, variable = t.poseVariable[slot];
  if (variable >= 0 && thread == kApplyThreads - 1) {
    const Rigid<double> pose = compose(exponential(t.step + 6 * variable), poseOf(t.poses, slot));
    double* out = t.poses + static_cast<std::size_t>(slot) * 7;
    for (int i = 0; i < 3; ++i) out[i] = pose.t[i];
    for (int i = 0; i < 4; ++i) out[3 + i] = pose.q[i];
  }
  if (t.pairs.sourceFirst[slot] == t.pairs.sourceFirst[slot + 1]) return;
  for (int r = thread; r < rows; r += kApplyThreads) step[r] = static_cast<float>(t.step[r]);
  __syncthreads();
  const BundleAdjustOptions& o = *t.options;
  for (int k = thread; k < t.patches; k += kApplyThreads) {
    const std::size_t patch = static_cast<std::size_t>(slot) * t.patchStride + k;
    float rest = t.depthGradient[patch];
#pragma unroll 4
    for (int r = 0; r < rows; ++r) rest -= t.coupling[couplingRow(slot, r, t.ringSlots, t.patchStride) + k] * step[r];
    float d = t.inverseDepth[patch] + rest * t.depthVariance[patch];
    d = d > o.maxInverseDepth ? o.resetInverseDepth : d;
    t.inverseDepth[patch] = d > o.minInverseDepth ? d : o.minInverseDepth;  // also what is not a number
  }
}

std::size_t sharedDoubles(int ringSlots) {
  const std::size_t n = 6 * static_cast<std::size_t>(ringSlots);
  return std::min((n + 1) * (n + 2) / 2, kMostShared / sizeof(double));
}

SolveTask taskOf(DeviceState& state) {
  return {state.pairs(),
          state.poseVariable.data(),
          state.adjustment.data(),
          state.pairValid.data(),
          state.system.data(),
          state.step.data(),
          state.poseCovariance.data(),
          state.report.data(),
          state.coupling.data(),
          state.depthVariance.data(),
          state.depthGradient.data(),
          state.poses.data(),
          state.inverseDepth.data(),
          state.options.ringSlots,
          state.options.patches,
          state.patchStride,
          static_cast<int>(sharedDoubles(state.options.ringSlots))};
}

}  // namespace

void solveSystem(DeviceState& state, cudaStream_t stream) {
  launch("bundleAdjust: solve", solveKernel, {.blocksX = 1, .threads = kThreads, .sharedBytes = sharedDoubles(state.options.ringSlots) * sizeof(double)}, stream,
         taskOf(state));
}

void applyStep(DeviceState& state, cudaStream_t stream) {
  launch("bundleAdjust: apply", applyKernel, {.blocksX = static_cast<unsigned>(state.options.ringSlots), .threads = kApplyThreads}, stream, taskOf(state));
}

}  // namespace qpvo::cuda
