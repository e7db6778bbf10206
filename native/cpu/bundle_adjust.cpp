// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "qpvo/ops.hpp"
#include "simd/kernels.hpp"

namespace qpvo {

namespace {

constexpr int kSums = 28;  ///< doubles per pair: 21 of H_jj, 6 of v_j, valid edges

struct Problem {
  State& state;
  int count;                ///< pairs
  int rows;                 ///< 6 x free poses
  const BundleAdjustOptions& options;

  float* coupling(int slot) const { return state.coupling.data() + static_cast<std::size_t>(slot) * 6 * state.options.ringSlots * state.patchStride; }
  std::size_t schurSize() const { return static_cast<std::size_t>(rows) * (rows + 1) / 2 + rows; }
  double* schur(int slot) const {
    const std::size_t n = static_cast<std::size_t>(6) * state.options.ringSlots;
    return state.schurSums.data() + slot * (n * (n + 1) / 2 + n);
  }
  int variable(int slot) const { return state.poseVariable[slot]; }
};

/// Targets and weights as one array each, lanes beyond M with weight 0; rays of the patches; pairs by source. Non-finite predictions lose their weight.
void gather(const Problem& problem) {
  State& s = problem.state;
  const Options& o = s.options;
  for (auto& pairs : s.pairsOfSource) pairs.clear();
  for (int p = 0; p < problem.count; ++p) {
    if (s.pairSource[p] != s.pairTarget[p]) s.pairsOfSource[s.pairSource[p]].push_back(p);  // a self pair has no derivative by pose or depth
  }
  s.pool.run(problem.count, [&](int p, int) {
    const std::size_t in = static_cast<std::size_t>(p) * o.patches * 2, out = static_cast<std::size_t>(p) * s.patchStride;
    for (int k = 0; k < s.patchStride; ++k) {
      const bool used = k < o.patches;
      const float x = used ? s.centre[in + 2 * k] + s.delta[in + 2 * k] : 0, y = used ? s.centre[in + 2 * k + 1] + s.delta[in + 2 * k + 1] : 0;
      const float wx = used ? s.weight[in + 2 * k] : 0, wy = used ? s.weight[in + 2 * k + 1] : 0;
      const bool finite = std::isfinite(x) && std::isfinite(y) && std::isfinite(wx) && std::isfinite(wy);
      s.targetX[out + k] = finite ? x : 0;
      s.targetY[out + k] = finite ? y : 0;
      s.weightX[out + k] = finite ? wx : 0;
      s.weightY[out + k] = finite ? wy : 0;
    }
  });
  s.pool.run(o.ringSlots, [&](int slot, int) {
    const std::size_t base = static_cast<std::size_t>(slot) * s.patchStride;
    for (int k = 0; k < s.patchStride; ++k) {
      s.rayX[base + k] = (s.patchX[base + k] - o.cx) / o.fx;
      s.rayY[base + k] = (s.patchY[base + k] - o.cy) / o.fy;
    }
  });
}

simd::PairTask pairTask(const Problem& problem, int p, const Rigid<double>& relative, float* coupling) {
  State& s = problem.state;
  const Options& o = s.options;
  const std::size_t source = static_cast<std::size_t>(s.pairSource[p]) * s.patchStride, edges = static_cast<std::size_t>(p) * s.patchStride;
  simd::PairTask t{};
  t.count = s.patchStride;
  t.rayX = s.rayX.data() + source;
  t.rayY = s.rayY.data() + source;
  t.inverseDepth = s.inverseDepth.data() + source;
  t.targetX = s.targetX.data() + edges;
  t.targetY = s.targetY.data() + edges;
  t.weightX = s.weightX.data() + edges;
  t.weightY = s.weightY.data() + edges;
  double R[9];
  rotationMatrix(relative.q, R);
  for (int i = 0; i < 9; ++i) t.rotation[i] = static_cast<float>(R[i]);
  for (int i = 0; i < 3; ++i) t.translation[i] = static_cast<float>(relative.t[i]);
  t.fx = o.fx;
  t.fy = o.fy;
  t.cx = o.cx;
  t.cy = o.cy;
  t.maxResidual2 = problem.options.maxResidual * problem.options.maxResidual;
  t.minX = -problem.options.margin;
  t.minY = -problem.options.margin;
  t.maxX = static_cast<float>(s.gridWidth) + problem.options.margin;
  t.maxY = static_cast<float>(s.gridHeight) + problem.options.margin;
  t.minDepth = problem.options.minDepth;
  t.depthHessian = s.depthHessian.data() + source;
  t.depthGradient = s.depthGradient.data() + source;
  t.coupling = coupling;
  return t;
}

/// E of the source += J_d^T W J_j in the rows of j, and -Ad(G)^T times that in the rows of i.
void addCoupling(const Problem& problem, int i, int j, const double A[36], const float* pair, float* E) {
  const int n = problem.state.patchStride;
  if (j >= 0) {
    float* out = E + static_cast<std::size_t>(6) * j * n;
    for (int k = 0; k < 6 * n; ++k) out[k] += pair[k];
  }
  if (i < 0) return;
  for (int r = 0; r < 6; ++r) {
    float* out = E + (static_cast<std::size_t>(6) * i + r) * n;
    for (int q = 0; q < 6; ++q) {
      const float a = static_cast<float>(A[6 * q + r]);
      if (a == 0) continue;
      for (int k = 0; k < n; ++k) out[k] -= a * pair[q * n + k];
    }
  }
}

/// All edges of the patches of one source frame: C, u, E, its part of the Schur complement, and the sums of its pairs.
void accumulateSource(const Problem& problem, int slot, int worker) {
  State& s = problem.state;
  const int n = s.patchStride;
  const std::size_t base = static_cast<std::size_t>(slot) * n;
  float* E = problem.coupling(slot);
  std::memset(s.depthHessian.data() + base, 0, sizeof(float) * n);
  std::memset(s.depthGradient.data() + base, 0, sizeof(float) * n);
  std::memset(E, 0, sizeof(float) * problem.rows * n);
  float* pairE = s.pairCoupling.data() + static_cast<std::size_t>(worker) * 6 * n;
  for (const int p : s.pairsOfSource[slot]) {
    const int i = problem.variable(slot), j = problem.variable(s.pairTarget[p]);
    const bool moves = i >= 0 || j >= 0;
    const Rigid<double> relative = s.relative(slot, s.pairTarget[p]);
    simd::PairSums sums;
    simd::kernels().accumulatePair(pairTask(problem, p, relative, moves ? pairE : nullptr), sums);
    double* out = s.pairSums.data() + static_cast<std::size_t>(p) * kSums;
    for (int k = 0; k < 21; ++k) out[k] = sums.hessian[k];
    for (int k = 0; k < 6; ++k) out[21 + k] = sums.gradient[k];
    out[27] = sums.valid;
    if (!moves) continue;
    double A[36];
    adjoint(relative, A);
    addCoupling(problem, i, j, A, pairE, E);
  }
  for (int k = 0; k < n; ++k) s.depthHessian[base + k] = 1.f / (s.depthHessian[base + k] + problem.options.depthDamping);
  if (problem.rows == 0) return;
  double* out = problem.schur(slot);
  simd::kernels().schur({problem.rows, n, E, s.depthHessian.data() + base, s.depthGradient.data() + base, out, out + problem.schurSize() - problem.rows});
}

/// H_jj to (j, j), A^T H A to (i, i), -A^T H to (i, j); v likewise. S is symmetric and full.
void addPair(double* S, double* y, int n, int i, int j, const double* sums, const double A[36]) {
  double H[36], AtH[36], v[6];
  for (int r = 0, k = 0; r < 6; ++r) {
    for (int c = r; c < 6; ++c, ++k) H[6 * r + c] = H[6 * c + r] = sums[k];
    v[r] = sums[21 + r];
  }
  if (j >= 0) {
    for (int r = 0; r < 6; ++r) {
      for (int c = 0; c < 6; ++c) S[(6 * j + r) * n + 6 * j + c] += H[6 * r + c];
      y[6 * j + r] += v[r];
    }
  }
  if (i < 0) return;
  for (int r = 0; r < 6; ++r) {
    for (int c = 0; c < 6; ++c) {
      double sum = 0;
      for (int k = 0; k < 6; ++k) sum += A[6 * k + r] * H[6 * k + c];
      AtH[6 * r + c] = sum;
    }
  }
  for (int r = 0; r < 6; ++r) {
    double sum = 0;
    for (int k = 0; k < 6; ++k) sum += A[6 * k + r] * v[k];
    y[6 * i + r] -= sum;
    for (int c = 0; c < 6; ++c) {
      double aha = 0;
      for (int k = 0; k < 6; ++k) aha += AtH[6 * r + k] * A[6 * k + c];
      S[(6 * i + r) * n + 6 * i + c] += aha;
      if (j >= 0) {
        S[(6 * i + r) * n + 6 * j + c] -= AtH[6 * r + c];
        S[(6 * j + c) * n + 6 * i + r] -= AtH[6 * r + c];
      }
    }
  }
}

/// S = B - E Q E^T and y = v - E Q u, summed in the order of pairs and slots, whatever the threads did.
void assemble(const Problem& problem, double* S, double* y) {
  State& s = problem.state;
  const int n = problem.rows;
  std::fill_n(S, static_cast<std::size_t>(n) * n, 0.0);
  std::fill_n(y, n, 0.0);
  for (int slot = 0; slot < s.options.ringSlots; ++slot) {
    if (s.pairsOfSource[slot].empty()) continue;
    for (const int p : s.pairsOfSource[slot]) {
      const int i = problem.variable(slot), j = problem.variable(s.pairTarget[p]);
      if (i < 0 && j < 0) continue;
      double A[36];
      adjoint(s.relative(slot, s.pairTarget[p]), A);
      addPair(S, y, n, i, j, s.pairSums.data() + static_cast<std::size_t>(p) * kSums, A);
    }
    const double* sums = problem.schur(slot);
    for (int r = 0; r < n; ++r) {
      for (int c = 0; c <= r; ++c, ++sums) {
        S[r * n + c] -= *sums;
        if (c != r) S[c * n + r] -= *sums;
      }
    }
    for (int r = 0; r < n; ++r) y[r] -= sums[r];
  }
}

/// Solves S x = y in place by Cholesky; false when S is not positive definite.
bool choleskySolve(double* S, double* y, int n) {
  for (int c = 0; c < n; ++c) {
    double d = S[c * n + c];
    for (int k = 0; k < c; ++k) d -= S[c * n + k] * S[c * n + k];
    if (!(d > 0) || !std::isfinite(d)) return false;
    const double l = std::sqrt(d);
    S[c * n + c] = l;
    for (int r = c + 1; r < n; ++r) {
      double v = S[r * n + c];
      for (int k = 0; k < c; ++k) v -= S[r * n + k] * S[c * n + k];
      S[r * n + c] = v / l;
    }
  }
  for (int r = 0; r < n; ++r) {
    for (int k = 0; k < r; ++k) y[r] -= S[r * n + k] * y[k];
    y[r] /= S[r * n + r];
  }
  for (int r = n - 1; r >= 0; --r) {
    for (int k = r + 1; k < n; ++k) y[r] -= S[k * n + r] * y[k];
    y[r] /= S[r * n + r];
  }
  return std::all_of(y, y + n, [](double v) { return std::isfinite(v); });
}

bool solvePoses(const Problem& problem, double* step) {
  const int n = problem.rows;
  double* S = problem.state.system.data();
  assemble(problem, S, step);
  for (int r = 0; r < n; ++r) S[r * n + r] += problem.options.poseDampingRelative * S[r * n + r] + problem.options.poseDamping;
  return choleskySolve(S, step, n);
}

/// With S = L L^T the last block of the inverse needs the last block of L alone: (L_nn L_nn^T)^-1.
void storeCovariance(const Problem& problem) {
  const int n = problem.rows;
  const double* L = problem.state.system.data() + static_cast<std::size_t>(n - 6) * n + n - 6;
  double inverse[36] = {};
  for (int c = 0; c < 6; ++c) {
    for (int r = c; r < 6; ++r) {
      double v = r == c ? 1 : 0;
      for (int k = c; k < r; ++k) v -= L[r * n + k] * inverse[6 * k + c];
      inverse[6 * r + c] = v / L[r * n + r];
    }
  }
  for (int r = 0; r < 6; ++r) {
    for (int c = 0; c < 6; ++c) {
      double sum = 0;
      for (int k = std::max(r, c); k < 6; ++k) sum += inverse[6 * k + r] * inverse[6 * k + c];
      problem.state.poseCovariance[6 * r + c] = sum;
    }
  }
}

void applyStep(const Problem& problem, const double* step) {
  State& s = problem.state;
  for (int slot = 0; slot < s.options.ringSlots; ++slot) {
    const int variable = problem.variable(slot);
    if (variable >= 0) s.setPose(slot, compose(exponential(step + 6 * variable), s.pose(slot)));
  }
}

void updateDepths(const Problem& problem, const double* step) {
  State& s = problem.state;
  const BundleAdjustOptions& o = problem.options;
  s.pool.run(s.options.ringSlots, [&](int slot, int) {
    if (s.pairsOfSource[slot].empty()) return;
    const std::size_t base = static_cast<std::size_t>(slot) * s.patchStride;
    simd::kernels().updateDepths({problem.rows, s.patchStride, problem.coupling(slot), s.depthHessian.data() + base, s.depthGradient.data() + base, step,
                                  o.maxInverseDepth, o.resetInverseDepth, o.minInverseDepth, s.inverseDepth.data() + base});
  });
}

int countValid(const Problem& problem) {
  double valid = 0;
  for (const auto& pairs : problem.state.pairsOfSource) {
    for (const int p : pairs) valid += problem.state.pairSums[static_cast<std::size_t>(p) * kSums + 27];
  }
  return static_cast<int>(valid);
}

}  // namespace

BundleAdjustReport bundleAdjust(State& state, int count, const BundleAdjustOptions& options) {
  const Problem problem{state, count, 6 * options.freePoses, options};
  double* step = state.system.data() + static_cast<std::size_t>(36) * state.options.ringSlots * state.options.ringSlots;
  BundleAdjustReport report{true, 0};
  std::fill_n(state.poseCovariance.data(), 36, std::numeric_limits<double>::quiet_NaN());
  gather(problem);
  for (int iteration = 0; iteration < options.iterations; ++iteration) {
    state.pool.run(state.options.ringSlots, [&](int slot, int worker) { accumulateSource(problem, slot, worker); });
    if (problem.rows > 0 && !solvePoses(problem, step)) {
      report.solved = false;
      break;
    }
    if (problem.rows > 0) storeCovariance(problem);
    applyStep(problem, step);
    updateDepths(problem, step);
  }
  report.validEdges = countValid(problem);
  return report;
}

}  // namespace qpvo
