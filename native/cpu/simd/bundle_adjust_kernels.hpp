// SPDX-License-Identifier: MIT
#pragma once

#include "kernels.hpp"
#include "vector.hpp"

namespace {

using qpvo::simd::DepthTask;
using qpvo::simd::PairSums;
using qpvo::simd::PairTask;
using qpvo::simd::SchurTask;

/// Residual, weights and Jacobians of W edges. Row x of the Jacobian has no entry 1, row y none 0.
struct Edges {
  V rx, ry, wx, wy, dx, dy;  ///< residual, information, derivative by inverse depth
  V jx0, jx2, jx3, jx4, jx5;
  V jy1, jy2, jy3, jy4, jy5;
  V valid;
};

inline Edges linearize(const PairTask& t, int k) {
  const V u = load(t.rayX + k), v = load(t.rayY + k), d = load(t.inverseDepth + k);
  const float *R = t.rotation, *p = t.translation;
  const V X = R[0] * u + R[1] * v + R[2] + p[0] * d;
  const V Y = R[3] * u + R[4] * v + R[5] + p[1] * d;
  const V Z = R[6] * u + R[7] * v + R[8] + p[2] * d;
  const M front = Z > splat(t.minDepth);
  const V q = front ? 1.f / Z : V{};
  const V x = t.fx * X * q + t.cx, y = t.fy * Y * q + t.cy;
  const V rx = load(t.targetX + k) - x, ry = load(t.targetY + k) - y;
  const M ok = front & (rx * rx + ry * ry < splat(t.maxResidual2)) & (x > splat(t.minX)) & (y > splat(t.minY)) & (x < splat(t.maxX)) & (y < splat(t.maxY));
  const V Xq = X * q, Yq = Y * q, dq = d * q;
  const V wx = load(t.weightX + k), wy = load(t.weightY + k);
  Edges e;
  e.rx = ok ? rx : V{};
  e.ry = ok ? ry : V{};
  e.wx = ok ? wx : V{};
  e.wy = ok ? wy : V{};
  e.dx = t.fx * q * (p[0] - p[2] * Xq);
  e.dy = t.fy * q * (p[1] - p[2] * Yq);
  e.jx0 = t.fx * dq;
  e.jx2 = -t.fx * Xq * dq;
  e.jx3 = -t.fx * Xq * Yq;
  e.jx4 = t.fx * (1.f + Xq * Xq);
  e.jx5 = -t.fx * Yq;
  e.jy1 = t.fy * dq;
  e.jy2 = -t.fy * Yq * dq;
  e.jy3 = -t.fy * (1.f + Yq * Yq);
  e.jy4 = t.fy * Xq * Yq;
  e.jy5 = t.fy * Xq;
  e.valid = (e.wx + e.wy > V{}) ? splat(1.f) : V{};
  return e;
}

/// Upper triangle of w_x J_x J_x^T + w_y J_y J_y^T and w_x J_x r_x + w_y J_y r_y.
inline void addNormalEquations(const Edges& e, V h[21], V g[6]) {
  const V ax0 = e.wx * e.jx0, ax2 = e.wx * e.jx2, ax3 = e.wx * e.jx3, ax4 = e.wx * e.jx4, ax5 = e.wx * e.jx5;
  const V ay1 = e.wy * e.jy1, ay2 = e.wy * e.jy2, ay3 = e.wy * e.jy3, ay4 = e.wy * e.jy4, ay5 = e.wy * e.jy5;
  h[0] += ax0 * e.jx0;
  h[2] += ax0 * e.jx2;
  h[3] += ax0 * e.jx3;
  h[4] += ax0 * e.jx4;
  h[5] += ax0 * e.jx5;
  h[6] += ay1 * e.jy1;
  h[7] += ay1 * e.jy2;
  h[8] += ay1 * e.jy3;
  h[9] += ay1 * e.jy4;
  h[10] += ay1 * e.jy5;
  h[11] += ax2 * e.jx2 + ay2 * e.jy2;
  h[12] += ax2 * e.jx3 + ay2 * e.jy3;
  h[13] += ax2 * e.jx4 + ay2 * e.jy4;
  h[14] += ax2 * e.jx5 + ay2 * e.jy5;
  h[15] += ax3 * e.jx3 + ay3 * e.jy3;
  h[16] += ax3 * e.jx4 + ay3 * e.jy4;
  h[17] += ax3 * e.jx5 + ay3 * e.jy5;
  h[18] += ax4 * e.jx4 + ay4 * e.jy4;
  h[19] += ax4 * e.jx5 + ay4 * e.jy5;
  h[20] += ax5 * e.jx5 + ay5 * e.jy5;
  g[0] += ax0 * e.rx;
  g[1] += ay1 * e.ry;
  g[2] += ax2 * e.rx + ay2 * e.ry;
  g[3] += ax3 * e.rx + ay3 * e.ry;
  g[4] += ax4 * e.rx + ay4 * e.ry;
  g[5] += ax5 * e.rx + ay5 * e.ry;
}

void accumulatePair(const PairTask& t, PairSums& sums) {
  V h[21] = {}, g[6] = {}, valid = {};
  for (int k = 0; k < t.count; k += W) {
    const Edges e = linearize(t, k);
    const V wdx = e.wx * e.dx, wdy = e.wy * e.dy;
    store(t.depthHessian + k, load(t.depthHessian + k) + wdx * e.dx + wdy * e.dy);
    store(t.depthGradient + k, load(t.depthGradient + k) + wdx * e.rx + wdy * e.ry);
    valid += e.valid;
    if (t.coupling == nullptr) continue;
    addNormalEquations(e, h, g);
    store(t.coupling + k, wdx * e.jx0);
    store(t.coupling + t.count + k, wdy * e.jy1);
    store(t.coupling + 2 * t.count + k, wdx * e.jx2 + wdy * e.jy2);
    store(t.coupling + 3 * t.count + k, wdx * e.jx3 + wdy * e.jy3);
    store(t.coupling + 4 * t.count + k, wdx * e.jx4 + wdy * e.jy4);
    store(t.coupling + 5 * t.count + k, wdx * e.jx5 + wdy * e.jy5);
  }
  for (int i = 0; i < 21; ++i) sums.hessian[i] = sum(h[i]);
  for (int i = 0; i < 6; ++i) sums.gradient[i] = sum(g[i]);
  sums.valid = sum(valid);
}

void schur(const SchurTask& t) {
  double* out = t.matrix;
  for (int r = 0; r < t.rows; ++r) {
    const float* a = t.coupling + static_cast<long>(r) * t.count;
    for (int s = 0; s <= r; ++s) {
      const float* b = t.coupling + static_cast<long>(s) * t.count;
      V acc = {};
      for (int k = 0; k < t.count; k += W) acc += load(a + k) * load(b + k) * load(t.depthVariance + k);
      *out++ = sum(acc);
    }
    V acc = {};
    for (int k = 0; k < t.count; k += W) acc += load(a + k) * load(t.depthGradient + k) * load(t.depthVariance + k);
    t.vector[r] = sum(acc);
  }
}

void updateDepths(const DepthTask& t) {
  for (int k = 0; k < t.count; k += W) {
    V rest = load(t.depthGradient + k);
    for (int r = 0; r < t.rows; ++r) rest -= load(t.coupling + static_cast<long>(r) * t.count + k) * static_cast<float>(t.step[r]);
    V d = load(t.inverseDepth + k) + rest * load(t.depthVariance + k);
    d = d > splat(t.maximum) ? splat(t.reset) : d;
    d = d > splat(t.minimum) ? d : splat(t.minimum);  // also NaN
    store(t.inverseDepth + k, d);
  }
}

}  // namespace
