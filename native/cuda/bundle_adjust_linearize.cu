// SPDX-License-Identifier: MIT
#include "bundle_adjust.hpp"
#include "device/warp.cuh"
#include "finite.cuh"
#include "reproject.cuh"
#include "runtime/launch.hpp"

namespace qpvo::cuda {

namespace {

constexpr int kThreads = 128;
constexpr int kWarps = kThreads / kWarp;
constexpr int kHessian = 21;          ///< upper triangle of H_jj, row by row
constexpr int kSums = kHessian + 6;   ///< and v_j

struct LinearizeTask {
  PairTables pairs;
  const PairMotion* motion;
  const double* adjoint;
  const std::int32_t* poseVariable;
  const BundleAdjustOptions* options;
  Lens lens;
  float width, height;  ///< grid
  const float *patchX, *patchY, *inverseDepth;
  const float2 *centre, *delta, *weight;
  double* blocks;
  float *depth, *coupling;
  std::int32_t* valid;
  int ringSlots, patches, patchStride;
};

/// Residual, information and derivatives of one edge (DPVO, arXiv 2208.04726, section 3.2). Row x of the Jacobian by the target's pose has no entry 1, row y none 0.
struct Edge {
  float rx, ry, wx, wy, dx, dy;  ///< d: derivative by inverse depth
  float jx[6], jy[6];
};

/// What is not finite or too far off has no weight.
__device__ Edge linearize(const LinearizeTask& t, const PairMotion& m, std::size_t patch, std::size_t edge) {
  const BundleAdjustOptions& o = *t.options;
  const float *R = m.rotation, *p = m.translation;
  const float fx = t.lens.fx, fy = t.lens.fy;
  const float u = (t.patchX[patch] - t.lens.cx) / fx, v = (t.patchY[patch] - t.lens.cy) / fy, d = t.inverseDepth[patch];
  const float X = R[0] * u + R[1] * v + R[2] + p[0] * d;
  const float Y = R[3] * u + R[4] * v + R[5] + p[1] * d;
  const float Z = R[6] * u + R[7] * v + R[8] + p[2] * d;
  const float q = Z > o.minDepth ? 1 / Z : 0;
  const float x = fx * X * q + t.lens.cx, y = fy * Y * q + t.lens.cy;
  const float2 centre = t.centre[edge], delta = t.delta[edge], weight = t.weight[edge];
  const float targetX = centre.x + delta.x, targetY = centre.y + delta.y;
  const bool finite = isFinite(targetX) && isFinite(targetY) && isFinite(weight.x) && isFinite(weight.y);
  const float rx = targetX - x, ry = targetY - y;
  const bool ok = finite && Z > o.minDepth && rx * rx + ry * ry < o.maxResidual * o.maxResidual && x > -o.margin && y > -o.margin && x < t.width + o.margin &&
                  y < t.height + o.margin;
  const float Xq = X * q, Yq = Y * q, dq = d * q;
  Edge e;
  e.rx = ok ? rx : 0;
  e.ry = ok ? ry : 0;
  e.wx = ok ? weight.x : 0;
  e.wy = ok ? weight.y : 0;
  e.dx = fx * q * (p[0] - p[2] * Xq);
  e.dy = fy * q * (p[1] - p[2] * Yq);
  e.jx[0] = fx * dq;
  e.jx[1] = 0;
  e.jx[2] = -fx * Xq * dq;
  e.jx[3] = -fx * Xq * Yq;
  e.jx[4] = fx * (1 + Xq * Xq);
  e.jx[5] = -fx * Yq;
  e.jy[0] = 0;
  e.jy[1] = fy * dq;
  e.jy[2] = -fy * Yq * dq;
  e.jy[3] = -fy * (1 + Yq * Yq);
  e.jy[4] = fy * Xq * Yq;
  e.jy[5] = fy * Xq;
  return e;
}

__device__ void addEdge(const Edge& e, float sums[kSums]) {
  int at = 0;
#pragma unroll
  for (int r = 0; r < 6; ++r) {
#pragma unroll
    for (int c = r; c < 6; ++c) sums[at++] += e.wx * e.jx[r] * e.jx[c] + e.wy * e.jy[r] * e.jy[c];
  }
#pragma unroll
  for (int r = 0; r < 6; ++r) sums[kHessian + r] += e.wx * e.jx[r] * e.rx + e.wy * e.jy[r] * e.ry;
}

/// The edge's rows of pairDepth and, when the target is free, of E; A: Ad(T_target_source).
__device__ void storeDepthRows(const Edge& e, const float A[36], float* out, float* targetCoupling, int stride) {
  const float wdx = e.wx * e.dx, wdy = e.wy * e.dy;
  float coupling[6];
  out[kDepthHessianRow * stride] = wdx * e.dx + wdy * e.dy;
  out[kDepthGradientRow * stride] = wdx * e.rx + wdy * e.ry;
#pragma unroll
  for (int r = 0; r < 6; ++r) {
    coupling[r] = wdx * e.jx[r] + wdy * e.jy[r];
    if (targetCoupling != nullptr) targetCoupling[r * stride] = coupling[r];
  }
#pragma unroll
  for (int r = 0; r < 6; ++r) {
    float sum = 0;
#pragma unroll
    for (int q = 0; q < 6; ++q) sum -= A[6 * q + r] * coupling[q];
    out[(kSourceCouplingRow + r) * stride] = sum;
  }
}

/// H, A^T H A, -A^T H, v, -A^T v of the pair, a thread per entry.
__device__ void storeBlocks(const double H[36], const double v[6], const double A[36], double AtH[36], double* out) {
  const int i = static_cast<int>(threadIdx.x), r = i / 6, c = i % 6;
  if (i < 36) {
    double sum = 0;
    for (int k = 0; k < 6; ++k) sum += A[6 * k + r] * H[6 * k + c];
    AtH[i] = sum;
    out[kBlockTarget + i] = H[i];
    out[kBlockCross + i] = -sum;
  } else if (i < 42) {
    const int row = i - 36;
    double sum = 0;
    for (int k = 0; k < 6; ++k) sum += A[6 * k + row] * v[k];
    out[kGradientTarget + row] = v[row];
    out[kGradientSource + row] = -sum;
  }
  __syncthreads();
  if (i < 36) {
    double sum = 0;
    for (int k = 0; k < 6; ++k) sum += AtH[6 * r + k] * A[6 * k + c];
    out[kBlockSource + i] = sum;
  }
}

/// A block per pair of two frames, a thread per patch.
__global__ void __launch_bounds__(kThreads) linearizeKernel(LinearizeTask t) {
  __shared__ float warpSums[kWarps][kSums];
  __shared__ std::int32_t warpValid[kWarps];
  __shared__ float Af[36];
  __shared__ double A[36], H[36], v[6], AtH[36];
  if (static_cast<int>(blockIdx.x) >= t.pairs.sourceFirst[t.ringSlots]) return;
  const int p = t.pairs.bySource[blockIdx.x], thread = static_cast<int>(threadIdx.x);
  if (thread < 36) {
    A[thread] = t.adjoint[static_cast<std::size_t>(p) * 36 + thread];
    Af[thread] = static_cast<float>(A[thread]);
  }
  __syncthreads();
  const int source = t.pairs.source[p], variable = t.poseVariable[t.pairs.target[p]];
  float* targetCoupling = variable < 0 ? nullptr : t.coupling + couplingRow(source, 6 * variable, t.ringSlots, t.patchStride);
  float sums[kSums] = {};
  int valid = 0;
  for (int k = thread; k < t.patches; k += kThreads) {
    const Edge e = linearize(t, t.motion[p], static_cast<std::size_t>(source) * t.patchStride + k, static_cast<std::size_t>(p) * t.patches + k);
    addEdge(e, sums);
    valid += e.wx + e.wy > 0;
    storeDepthRows(e, Af, t.depth + static_cast<std::size_t>(p) * kPairDepthRows * t.patchStride + k, targetCoupling == nullptr ? nullptr : targetCoupling + k,
                   t.patchStride);
  }
#pragma unroll
  for (int i = 0; i < kSums; ++i) {
    const float total = warpSum(sums[i]);
    if (laneIndex() == 0) warpSums[warpIndex()][i] = total;
  }
  valid = warpSum(valid);
  if (laneIndex() == 0) warpValid[warpIndex()] = valid;
  __syncthreads();
  if (thread < kSums) {
    double total = 0;
    for (int w = 0; w < kWarps; ++w) total += warpSums[w][thread];
    if (thread >= kHessian) {
      v[thread - kHessian] = total;
    } else {
      int r = 0, first = 0;
      while (thread >= first + 6 - r) first += 6 - r++;
      const int c = r + thread - first;
      H[6 * r + c] = H[6 * c + r] = total;
    }
  }
  if (thread == kWarp) {
    std::int32_t total = 0;
    for (int w = 0; w < kWarps; ++w) total += warpValid[w];
    t.valid[p] = total;
  }
  __syncthreads();
  storeBlocks(H, v, A, AtH, t.blocks + static_cast<std::size_t>(p) * kPairBlocks);
}

}  // namespace

void linearizePairs(DeviceState& state, cudaStream_t stream) {
  const Options& o = state.options;
  const LinearizeTask task{state.pairs(),
                           state.pairMotion.data(),
                           state.pairAdjoint.data(),
                           state.poseVariable.data(),
                           state.adjustment.data(),
                           lensOf(o),
                           static_cast<float>(state.gridWidth),
                           static_cast<float>(state.gridHeight),
                           state.patchX.data(),
                           state.patchY.data(),
                           state.inverseDepth.data(),
                           reinterpret_cast<const float2*>(state.centre.data()),
                           reinterpret_cast<const float2*>(state.delta.data()),
                           reinterpret_cast<const float2*>(state.weight.data()),
                           state.pairBlocks.data(),
                           state.pairDepth.data(),
                           state.coupling.data(),
                           state.pairValid.data(),
                           o.ringSlots,
                           o.patches,
                           state.patchStride};
  launch("bundleAdjust: linearize", linearizeKernel, {.blocksX = static_cast<unsigned>(o.maxPairs), .threads = kThreads}, stream, task);
}

}  // namespace qpvo::cuda
