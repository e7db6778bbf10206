// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "qpvo/aligned_buffer.hpp"
#include "qpvo/byte_maps.hpp"
#include "qpvo/correlation_shape.hpp"
#include "qpvo/math/se3.hpp"
#include "qpvo/thread_pool.hpp"

namespace qpvo {

/// Everything that stays fixed for a run. Complete when it arrives: the native side has no defaults.
struct Options {
  int channels;       ///< of the network image: 1 (gray) or 3 (BGR)
  int width, height;  ///< of the network image; multiples of 16
  int recordedWidth, recordedHeight;
  int supersamples;   ///< samples per output pixel of the undistortion map
  int featureDim;     ///< C, multiple of 16
  int hiddenDim;      ///< D
  int patches;        ///< M, per frame
  int ringSlots;      ///< R, frames that can be held
  int maxPairs;       ///< P, (source, target) frame pairs
  int threads;
  float scale, offset;  ///< of the network image: x = scale * I + offset, I in 0..255
  float fx, fy, cx, cy;  ///< intrinsics on the grid (network image / 4)
  bool byteMaps;         ///< feature maps and patches are held as bytes and correlated in int8, instead of in fp32
  std::string instructionSet;  ///< of that, one of ByteMaps::instructionSets(); '' = the best
  float correlationScale;      ///< with byteMaps, above 0: the correlation is left as bytes, round(x / scale) within -128..127; 0: in fp32
};

/// All memory of the CPU ops, allocated once.
/// Frames live in ring slots 0..R-1; a pair p joins source slot pairSource[p] and target slot pairTarget[p]. Grid coordinates are in grid pixels.
struct State {
  Options options;
  int gridWidth, gridHeight;      ///< w, h
  int coarseWidth, coarseHeight;  ///< floor(w / 4), floor(h / 4)
  int patchStride;                ///< M rounded up to 16: lanes beyond M have weight 0

  // In and out of the networks.
  AlignedBuffer<float> image;        ///< [channels][height][width], scale * I + offset
  AlignedBuffer<std::int32_t> cells; ///< [M] y * w + x of the newest frame's centroids
  AlignedBuffer<float> features;     ///< [C][h][w] matching features of the newest frame
  AlignedBuffer<float> context;      ///< [M][D] context of the newest frame's patches
  AlignedBuffer<float> contextRing;  ///< [R][M][D]
  AlignedBuffer<float> correlation;  ///< [P][M][F], unless it is left as bytes
  AlignedBuffer<std::uint8_t> correlationBytes;  ///< [P][M][kCorrelationStride] with options.correlationScale, stored plus ByteMaps::zero()
  AlignedBuffer<float> hiddenA;      ///< [P][M][D]
  AlignedBuffer<float> hiddenB;      ///< [P][M][D]
  AlignedBuffer<float> centre;       ///< [P][M][2] reprojected patch centre x, y before the update
  AlignedBuffer<float> delta;        ///< [P][M][2]
  AlignedBuffer<float> weight;       ///< [P][M][2]

  // Pair tables, written by the caller.
  AlignedBuffer<std::int32_t> pairSource;  ///< [P] ring slot
  AlignedBuffer<std::int32_t> pairTarget;  ///< [P] ring slot
  AlignedBuffer<std::int32_t> poseVariable;  ///< [R] index of the slot's pose among the free ones, -1 = held fixed

  // Frames.
  AlignedBuffer<double> poses;         ///< [R][7] T_camera_world: t xyz, q xyzw
  AlignedBuffer<float> patchX, patchY; ///< [R][patchStride] centroids
  AlignedBuffer<float> inverseDepth;   ///< [R][patchStride]
  AlignedBuffer<std::uint8_t> colors;  ///< [R][M][3] RGB
  std::optional<ByteMaps> byteMaps;    ///< with options.byteMaps, in place of the next three
  AlignedBuffer<float> patchFeatures;  ///< [R][M][9][C]
  AlignedBuffer<float> fineMaps;       ///< [R][h + 2 border][w + 2 border][C]
  AlignedBuffer<float> coarseMaps;     ///< [R][h/4 + 2 border][w/4 + 2 border][C]

  // Undistortion map, [height][width][supersamples]: top-left recorded pixel and fractions in 1/256.
  AlignedBuffer<std::int32_t> mapPixel;  ///< y * recordedWidth + x, or -1 outside
  AlignedBuffer<std::uint16_t> mapFraction;  ///< [..][2] x, y, 0..256

  // Scratch of the bundle adjustment.
  AlignedBuffer<float> rayX, rayY;            ///< [R][patchStride]
  AlignedBuffer<float> depthHessian, depthGradient;  ///< [R][patchStride] C (then Q) and u
  AlignedBuffer<float> coupling;              ///< [R][6 R][patchStride] E, rows of the free poses
  AlignedBuffer<float> targetX, targetY, weightX, weightY;  ///< [P][patchStride]
  AlignedBuffer<float> pairCoupling;          ///< [threads][6][patchStride] w J_j J_d of one pair
  AlignedBuffer<double> pairSums;             ///< [P][28] 21 of H_jj, 6 of v_j, valid edges
  AlignedBuffer<double> schurSums;            ///< [R][lower triangle and right side]
  AlignedBuffer<double> system;               ///< reduced camera system and its right side
  AlignedBuffer<double> poseCovariance;       ///< [6][6] of the last pose variable
  std::vector<std::vector<std::int32_t>> pairsOfSource;  ///< [R], capacity reserved
  std::vector<std::int32_t> pairOrder;        ///< [P] pairs by target slot
  AlignedBuffer<float> health;                ///< [P * M] scratch of the median

  ThreadPool pool;

  /// map: [height][width][supersamples][2] recorded pixel coordinates x, y of every sample.
  State(const Options& options, const float* map);

  Rigid<double> pose(int slot) const;
  void setPose(int slot, const Rigid<double>& pose);
  /// Pixel (0, 0) of a map; rows are fineStride() or coarseStride() pixels apart.
  float* fineMap(int slot);
  float* coarseMap(int slot);
  int fineStride() const { return gridWidth + 2 * kMapBorder; }
  int coarseStride() const { return coarseWidth + 2 * kMapBorder; }
  /// T_target_source
  Rigid<double> relative(int source, int target) const;
};

}  // namespace qpvo
