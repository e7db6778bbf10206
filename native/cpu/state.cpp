// SPDX-License-Identifier: MIT
#include "qpvo/state.hpp"

#include <algorithm>
#include <limits>

#include "qpvo/undistortion.hpp"

namespace qpvo {

namespace {

/// Values of one map with its border.
std::size_t mapSize(int width, int height, int channels) {
  return static_cast<std::size_t>(width + 2 * kMapBorder) * (height + 2 * kMapBorder) * channels;
}

std::size_t mapOrigin(int width, int channels) { return (static_cast<std::size_t>(width + 2 * kMapBorder) * kMapBorder + kMapBorder) * channels; }

/// Frames whose features are held in fp32.
std::size_t floatSlots(const Options& o) { return o.byteMaps ? 0 : o.ringSlots; }

bool leavesBytes(const Options& o) { return o.byteMaps && o.correlationScale > 0; }

void convertMap(State& state, const float* map) {
  const Options& o = state.options;
  const std::size_t samples = static_cast<std::size_t>(o.width) * o.height * o.supersamples;
  for (std::size_t i = 0; i < samples; ++i) {
    const RecordedSample sample = recordedSample(map[2 * i], map[2 * i + 1], o.recordedWidth, o.recordedHeight);
    state.mapPixel[i] = sample.pixel;
    state.mapFraction[2 * i] = sample.fraction[0];
    state.mapFraction[2 * i + 1] = sample.fraction[1];
  }
}

}  // namespace

State::State(const Options& o, const float* map)
    : options(o),
      gridWidth(o.width / 4),
      gridHeight(o.height / 4),
      coarseWidth(gridWidth / 4),
      coarseHeight(gridHeight / 4),
      patchStride((o.patches + 15) / 16 * 16),
      image(static_cast<std::size_t>(o.channels) * o.height * o.width),
      cells(o.patches),
      features(static_cast<std::size_t>(o.featureDim) * gridHeight * gridWidth),
      context(static_cast<std::size_t>(o.patches) * o.hiddenDim),
      contextRing(static_cast<std::size_t>(o.ringSlots) * o.patches * o.hiddenDim),
      correlation(leavesBytes(o) ? 0 : static_cast<std::size_t>(o.maxPairs) * o.patches * kCorrelationDim),
      correlationBytes(leavesBytes(o) ? (static_cast<std::size_t>(o.maxPairs) * o.patches + kSpareEdges) * kCorrelationStride : 0),
      hiddenA(static_cast<std::size_t>(o.maxPairs) * o.patches * o.hiddenDim),
      hiddenB(static_cast<std::size_t>(o.maxPairs) * o.patches * o.hiddenDim),
      centre(static_cast<std::size_t>(o.maxPairs) * o.patches * 2),
      delta(static_cast<std::size_t>(o.maxPairs) * o.patches * 2),
      weight(static_cast<std::size_t>(o.maxPairs) * o.patches * 2),
      pairSource(o.maxPairs),
      pairTarget(o.maxPairs),
      poseVariable(o.ringSlots),
      poses(static_cast<std::size_t>(o.ringSlots) * 7),
      patchX(static_cast<std::size_t>(o.ringSlots) * patchStride),
      patchY(static_cast<std::size_t>(o.ringSlots) * patchStride),
      inverseDepth(static_cast<std::size_t>(o.ringSlots) * patchStride),
      colors(static_cast<std::size_t>(o.ringSlots) * o.patches * 3),
      patchFeatures(floatSlots(o) * o.patches * kPatchPixels * o.featureDim),
      fineMaps(floatSlots(o) * mapSize(gridWidth, gridHeight, o.featureDim)),
      coarseMaps(floatSlots(o) * mapSize(coarseWidth, coarseHeight, o.featureDim)),
      mapPixel(static_cast<std::size_t>(o.height) * o.width * o.supersamples),
      mapFraction(static_cast<std::size_t>(o.height) * o.width * o.supersamples * 2),
      rayX(patchX.size()),
      rayY(patchX.size()),
      depthHessian(patchX.size()),
      depthGradient(patchX.size()),
      coupling(static_cast<std::size_t>(o.ringSlots) * 6 * o.ringSlots * patchStride),
      targetX(static_cast<std::size_t>(o.maxPairs) * patchStride),
      targetY(targetX.size()),
      weightX(targetX.size()),
      weightY(targetX.size()),
      pairCoupling(static_cast<std::size_t>(o.threads) * 6 * patchStride),
      pairSums(static_cast<std::size_t>(o.maxPairs) * 28),
      poseCovariance(36),
      pairsOfSource(o.ringSlots),
      pairOrder(o.maxPairs),
      health(static_cast<std::size_t>(o.maxPairs) * o.patches),
      pool(o.threads) {
  if (o.byteMaps) byteMaps.emplace(o.instructionSet, ByteMapSizes{o.featureDim, gridWidth, gridHeight, o.ringSlots, o.patches});
  const std::size_t n = static_cast<std::size_t>(6) * o.ringSlots;
  schurSums = AlignedBuffer<double>(o.ringSlots * (n * (n + 1) / 2 + n));
  system = AlignedBuffer<double>(n * n + 2 * n);
  for (auto& pairs : pairsOfSource) pairs.reserve(o.maxPairs);
  std::fill_n(poseCovariance.data(), 36, std::numeric_limits<double>::quiet_NaN());
  for (int slot = 0; slot < o.ringSlots; ++slot) setPose(slot, {{0, 0, 0}, {0, 0, 0, 1}});
  convertMap(*this, map);
}

Rigid<double> State::pose(int slot) const {
  const double* p = poses.data() + static_cast<std::size_t>(slot) * 7;
  return {{p[0], p[1], p[2]}, {p[3], p[4], p[5], p[6]}};
}

void State::setPose(int slot, const Rigid<double>& pose) {
  double* p = poses.data() + static_cast<std::size_t>(slot) * 7;
  for (int i = 0; i < 3; ++i) p[i] = pose.t[i];
  for (int i = 0; i < 4; ++i) p[3 + i] = pose.q[i];
}

float* State::fineMap(int slot) {
  return fineMaps.data() + slot * mapSize(gridWidth, gridHeight, options.featureDim) + mapOrigin(gridWidth, options.featureDim);
}

float* State::coarseMap(int slot) {
  return coarseMaps.data() + slot * mapSize(coarseWidth, coarseHeight, options.featureDim) + mapOrigin(coarseWidth, options.featureDim);
}

Rigid<double> State::relative(int source, int target) const { return compose(pose(target), inverse(pose(source))); }

}  // namespace qpvo
