// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include "qpvo/state.hpp"

namespace qpvo {

/// Projection of the patches of one slot into another (specification: DPVO, arXiv 2208.04726, section 3.1). All nine pixels share the inverse depth.
class Reprojection {
 public:
  Reprojection(const State& s, int source, int target) : o_(s.options) {
    const Rigid<double> G = s.relative(source, target);
    double R[9];
    rotationMatrix(G.q, R);
    for (int i = 0; i < 9; ++i) R_[i] = static_cast<float>(R[i]);
    for (int i = 0; i < 3; ++i) t_[i] = static_cast<float>(G.t[i]);
  }

  /// Grid coordinates of pixel (x, y) of the source with inverse depth d, with the given parts of the motion.
  void project(float x, float y, float d, bool withRotation, bool withTranslation, float& u, float& v) const {
    const float a = (x - o_.cx) / o_.fx, b = (y - o_.cy) / o_.fy, w = withTranslation ? d : 0;
    float X = a, Y = b, Z = 1;
    if (withRotation) {
      X = R_[0] * a + R_[1] * b + R_[2];
      Y = R_[3] * a + R_[4] * b + R_[5];
      Z = R_[6] * a + R_[7] * b + R_[8];
    }
    const float z = 1 / std::max(Z + t_[2] * w, 0.1f);
    u = o_.fx * (X + t_[0] * w) * z + o_.cx;
    v = o_.fy * (Y + t_[1] * w) * z + o_.cy;
  }

  /// The nine pixels of patch k, row by row.
  void patch(const State& s, int source, int k, float x[kPatchPixels], float y[kPatchPixels]) const {
    const std::size_t i = static_cast<std::size_t>(source) * s.patchStride + k;
    for (int p = 0; p < kPatchPixels; ++p) {
      project(s.patchX[i] + static_cast<float>(p % 3 - 1), s.patchY[i] + static_cast<float>(p / 3 - 1), s.inverseDepth[i], true, true, x[p], y[p]);
    }
  }

 private:
  const Options& o_;
  float R_[9], t_[3];
};

}  // namespace qpvo
