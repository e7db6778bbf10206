// SPDX-License-Identifier: MIT
#include "pipeline_mirrors.hpp"

#include <algorithm>
#include <limits>

#include "runtime/copy.hpp"

namespace qpvo::cuda {

namespace {

template <class T>
void fetch(PinnedBuffer<T>& to, const DeviceBuffer<T>& from, cudaStream_t stream) {
  download(to.data(), from.data(), to.size(), stream);
}

}  // namespace

PipelineMirrors::PipelineMirrors(const DeviceState& s)
    : pairSource_(s.options.maxPairs),
      pairTarget_(s.options.maxPairs),
      poseVariable_(s.poseVariable.size()),
      cells_(s.cells.size()),
      poses_(s.poses.size()),
      poseCovariance_(s.poseCovariance.size()),
      patchX_(s.patchX.size()),
      patchY_(s.patchY.size()),
      inverseDepth_(s.inverseDepth.size()),
      depthVariance_(s.depthVariance.size()),
      centre_(s.centre.size()),
      delta_(s.delta.size()),
      weight_(s.weight.size()),
      image_(s.image.size()),
      points_(s.points.size()),
      colors_(s.colors.size()),
      report_(1),
      health_(kQuestions),
      flows_(kQuestions),
      perPair_(static_cast<std::size_t>(s.options.patches) * 2),
      views_{pairSource_.data(), pairTarget_.data(),   poseVariable_.data(),  poses_.data(),  poseCovariance_.data(), patchX_.data(),
             patchY_.data(),     inverseDepth_.data(), depthVariance_.data(), centre_.data(), delta_.data(),          weight_.data(),
             image_.data(),      points_.data(),       colors_.data(),        cells_.data(),  s.patchStride} {
  for (std::size_t i = 6; i < poses_.size(); i += 7) poses_[i] = 1;
  std::fill_n(poseCovariance_.data(), poseCovariance_.size(), std::numeric_limits<double>::quiet_NaN());
}

void PipelineMirrors::fetchFrames(const DeviceState& s, cudaStream_t stream) {
  fetch(poses_, s.poses, stream);
  fetch(poseCovariance_, s.poseCovariance, stream);
  fetch(patchX_, s.patchX, stream);
  fetch(patchY_, s.patchY, stream);
  fetch(inverseDepth_, s.inverseDepth, stream);
  fetch(depthVariance_, s.depthVariance, stream);
  fetch(points_, s.points, stream);
  fetch(colors_, s.colors, stream);
  fetch(report_, s.report, stream);
  fetch(health_, s.healthAnswers, stream);
  fetch(flows_, s.flowAnswers, stream);
}

void PipelineMirrors::fetchPairs(const DeviceState& s, int pairs, cudaStream_t stream) {
  download(centre_.data(), s.centre.data(), pairs * perPair_, stream);
  download(delta_.data(), s.delta.data(), pairs * perPair_, stream);
  download(weight_.data(), s.weight.data(), pairs * perPair_, stream);
}

void PipelineMirrors::fetchView(const DeviceState& s, cudaStream_t stream) {
  fetch(image_, s.image, stream);
  fetch(cells_, s.cells, stream);
}

}  // namespace qpvo::cuda
