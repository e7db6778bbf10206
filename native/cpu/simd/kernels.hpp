// SPDX-License-Identifier: MIT
#pragma once

// Inner loops that are compiled once per instruction set. This header and kernels.cpp include nothing of the standard library, so that no inline function
// compiled for a newer processor can be linked into code that runs on an older one.

namespace qpvo::simd {

/// One patch against one map of a target frame.
struct CorrelationTask {
  const float* patch;   ///< [9][C]
  const float* map;     ///< pixel (0, 0) of [height][width][C] with at least kMapBorder zero pixels on every side
  int height, width, stride, channels;  ///< stride: pixels from row to row; channels: multiple of 16
  const float* x;       ///< [9] map pixels
  const float* y;       ///< [9]
  float* out;           ///< [9][7][7], [dy][dx]
};

/// The edges of one (source, target) pair; count is a multiple of 16, lanes without an edge have weight 0.
struct PairTask {
  int count;
  const float *rayX, *rayY, *inverseDepth;  ///< (x - cx) / fx, (y - cy) / fy
  const float *targetX, *targetY, *weightX, *weightY;
  float rotation[9], translation[3];        ///< T_target_source
  float fx, fy, cx, cy;
  float maxResidual2, minX, minY, maxX, maxY, minDepth;
  float* depthHessian;   ///< += w J_d^2, [count]
  float* depthGradient;  ///< += w J_d r, [count]
  float* coupling;       ///< = w J_j J_d, [6][count]; not written when null
};

struct PairSums {
  float hessian[21];  ///< upper triangle of sum w J_j J_j^T, row by row
  float gradient[6];  ///< sum w J_j r
  float valid;        ///< edges with weight
};

struct SchurTask {
  int rows, count;
  const float* coupling;       ///< E, [rows][count]
  const float* depthVariance;  ///< Q = 1 / (C + damping), [count]
  const float* depthGradient;  ///< u, [count]
  double* matrix;  ///< = lower triangle of E Q E^T, row by row
  double* vector;  ///< = E Q u
};

struct DepthTask {
  int rows, count;
  const float *coupling, *depthVariance, *depthGradient;
  const double* step;  ///< xi of the rows, [rows]
  float maximum, reset, minimum;
  float* inverseDepth;  ///< += Q (u - E^T xi), then limited
};

struct Kernels {
  const char* name;
  void (*correlate)(const CorrelationTask&);
  void (*accumulatePair)(const PairTask&, PairSums&);
  void (*schur)(const SchurTask&);
  void (*updateDepths)(const DepthTask&);
};

/// The kernels for this processor.
const Kernels& kernels();

}  // namespace qpvo::simd
