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
      centre_(s.centre.size()),
      delta_(s.delta.size()),
      weight_(s.weight.size()),
      image_(s.image.size()),
      fetched_(s.fetched.size()),
      report_(placeOf(s, s.report)),
      health_(placeOf(s, s.healthAnswers)),
      flows_(placeOf(s, s.flowAnswers)),
      perPair_(static_cast<std::size_t>(s.options.patches) * 2),
      views_{pairSource_.data(),
             pairTarget_.data(),
             poseVariable_.data(),
             placeOf(s, s.poses),
             placeOf(s, s.poseCovariance),
             placeOf(s, s.patchX),
             placeOf(s, s.patchY),
             placeOf(s, s.inverseDepth),
             placeOf(s, s.depthVariance),
             centre_.data(),
             delta_.data(),
             weight_.data(),
             image_.data(),
             placeOf(s, s.points),
             placeOf(s, s.colors),
             cells_.data(),
             s.patchStride} {
  for (std::size_t i = 6; i < s.poses.size(); i += 7) views_.poses[i] = 1;
  std::fill_n(views_.poseCovariance, s.poseCovariance.size(), std::numeric_limits<double>::quiet_NaN());
}

void PipelineMirrors::fetchFrames(const DeviceState& s, cudaStream_t stream) { fetch(fetched_, s.fetched, stream); }

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
