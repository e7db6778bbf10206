// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "qpvo/image.hpp"
#include "qpvo/state.hpp"

// The ops of one frame. Shapes are those of state.hpp. None allocates; all split their work over the state's thread pool, and give the same bits for the
// same input whatever the number of threads.

namespace qpvo {

/// Undistorts, downscales and normalises the recorded image into state.image; a gray one into each of its channels. Outside the recorded image the intensity is 0.
/// @throws QPVO_IMAGE_SIZE
void prepareImage(State& state, const ImageView& recorded);

/// Where patches are taken. random: uniformly; gradient: the strongest image gradient among several places drawn for each patch; mixed: the first half uniformly,
/// the others by gradient.
enum class Selection { random, gradient, mixed };

/// Places that are drawn for each patch by gradient.
constexpr int kCandidatesPerPatch = 3;

/// How many of `patches` are taken uniformly. They come first.
constexpr int uniformPatches(Selection selection, int patches) {
  switch (selection) {
    case Selection::random: return patches;
    case Selection::mixed: return (patches + 1) / 2;
    case Selection::gradient: break;
  }
  return 0;
}

/// Grid cells from (left, top) to (right, bottom), both included.
struct CellArea {
  int left, top, right, bottom;
};

/// Chooses M centroids of the prepared image within the area, which lies in x 1..w-2, y 1..h-2.
/// Writes cells and the slot's patchX, patchY, colors. The same (seed, sequence) always gives the same patches.
/// inverseDepth >= 0 is given to all patches; a negative one asks for independent U[0,1).
void samplePatches(State& state, int slot, std::uint64_t seed, std::uint64_t sequence, Selection selection, float inverseDepth, const CellArea& area);

/// Stores the newest features and context into the slot: channels-last fine map, 4x4 average pooled coarse map, 3x3 patch features, context.
void insertFrame(State& state, int slot);

/// Reprojects the patches of every pair and correlates them with the target's maps (algorithm of DPVO, section 3.2 of arXiv 2208.04726):
/// writes correlation and centre of pairs 0..count-1. Zero outside the map.
void correlate(State& state, int count);

struct BundleAdjustOptions {
  int freePoses;      ///< number of pose variables in poseVariable
  int iterations;
  float depthDamping;  ///< added to the depth Hessian C
  float poseDamping;   ///< added to the diagonal of the reduced system
  float poseDampingRelative;  ///< times the diagonal, added to it
  float maxResidual;   ///< grid px; edges beyond have no weight
  float margin;        ///< grid px a projection may lie outside the image
  float minDepth;      ///< Z below has no weight
  float maxInverseDepth, resetInverseDepth, minInverseDepth;
};

struct BundleAdjustReport {
  bool solved;        ///< false: a Cholesky factorisation failed or a step was not finite, and was skipped
  int validEdges;     ///< of the last iteration
};

/// Gauss-Newton on poses and inverse depths with the Schur complement over the depths; target = centre + delta, information = weight.
/// Writes poseCovariance: of the left increment xi (translation, rotation) of the last pose variable, T_camera_world' = Exp(xi) T_camera_world. It is the last block of
/// the inverse of the damped reduced camera system of the last iteration (at the poses before its step), so that fixed poses count as exact and a residual of one grid
/// px at weight 1 as one standard deviation. NaN when no pose is free or no step was solved.
BundleAdjustReport bundleAdjust(State& state, int count, const BundleAdjustOptions& options);

struct Flow {
  float mean;      ///< mean over patches and pixels of beta * |full flow| + (1 - beta) * |flow of the translation alone|, grid px
  float parallax;  ///< mean |full flow - flow of the rotation alone|, grid px
};

/// Flow magnitude of the patches of slot source seen in slot target.
Flow flowMagnitude(const State& state, int source, int target, float beta);

struct Health {
  float medianConfidence;
  float residual;     ///< confidence-weighted mean, grid px
  float inlierShare;
  int edges;
};

/// Evidence over the pairs with flag != 0, after bundle adjustment. Edges count as confident when their mean weight is at least minConfidence.
Health assessHealth(State& state, int count, const std::uint8_t* flags, float inlierThreshold, float minConfidence, float margin);

/// World points of the slot's patches: out [M][3].
void pointCloud(const State& state, int slot, float* out);

}  // namespace qpvo
