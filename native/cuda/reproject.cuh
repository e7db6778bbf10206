// SPDX-License-Identifier: MIT
#pragma once

#include <cuda_runtime.h>

#include "state.hpp"

namespace qpvo::cuda {

/// Intrinsics on the grid.
struct Lens {
  float fx, fy, cx, cy;
};

inline Lens lensOf(const Options& o) { return {o.fx, o.fy, o.cx, o.cy}; }

/// Grid coordinates (u, v), in another frame, of pixel (x, y) with inverse depth d, with the given parts of the motion (DPVO, arXiv 2208.04726, section 3.1).
template <bool WithRotation = true, bool WithTranslation = true>
__device__ __forceinline__ void project(const Lens& lens, const PairMotion& motion, float x, float y, float d, float& u, float& v) {
  const float *R = motion.rotation, *t = motion.translation;
  const float a = (x - lens.cx) / lens.fx, b = (y - lens.cy) / lens.fy, w = WithTranslation ? d : 0;
  float X = a, Y = b, Z = 1;
  if constexpr (WithRotation) {
    X = R[0] * a + R[1] * b + R[2];
    Y = R[3] * a + R[4] * b + R[5];
    Z = R[6] * a + R[7] * b + R[8];
  }
  const float z = 1 / fmaxf(Z + t[2] * w, 0.1f);
  u = lens.fx * (X + t[0] * w) * z + lens.cx;
  v = lens.fy * (Y + t[1] * w) * z + lens.cy;
}

__device__ inline Rigid<double> poseOf(const double* poses, int slot) {
  const double* p = poses + static_cast<std::size_t>(slot) * 7;
  return {{p[0], p[1], p[2]}, {p[3], p[4], p[5], p[6]}};
}

/// T_target_source.
__device__ inline Rigid<double> relativePose(const double* poses, int source, int target) { return compose(poseOf(poses, target), inverse(poseOf(poses, source))); }

__device__ inline PairMotion motionOf(const Rigid<double>& relative) {
  double R[9];
  rotationMatrix(relative.q, R);
  PairMotion motion;
  for (int i = 0; i < 9; ++i) motion.rotation[i] = static_cast<float>(R[i]);
  for (int i = 0; i < 3; ++i) motion.translation[i] = static_cast<float>(relative.t[i]);
  return motion;
}

}  // namespace qpvo::cuda
