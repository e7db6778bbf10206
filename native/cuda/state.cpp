// SPDX-License-Identifier: MIT
#include "state.hpp"

#include <limits>
#include <type_traits>
#include <vector>

#include "qpvo/undistortion.hpp"
#include "runtime/copy.hpp"

namespace qpvo::cuda {

namespace {

constexpr std::size_t kTables = 1 << 18;  ///< staging bytes beside the image: the tables of more than ten updates

int roundedPatches(const Options& o) { return (o.patches + 15) / 16 * 16; }

template <class T>
std::size_t elementBytes(DeviceBuffer<T> DeviceState::*) {
  return sizeof(T);
}

/// visit(member, elements) of the parts of `fetched`.
template <class Visit>
void forEachPart(const Options& o, const Visit& visit) {
  using S = DeviceState;
  const std::size_t M = o.patches, R = o.ringSlots, stride = roundedPatches(o);
  visit(&S::poses, R * 7);
  visit(&S::poseCovariance, 36);
  visit(&S::patchX, R * stride);
  visit(&S::patchY, R * stride);
  visit(&S::inverseDepth, R * stride);
  visit(&S::depthVariance, R * stride);
  visit(&S::points, R * M * 3);
  visit(&S::colors, R * M * 3);
  visit(&S::report, 1);
  visit(&S::healthAnswers, kQuestions);
  visit(&S::flowAnswers, kQuestions);
}

std::size_t fetchedBytes(const Options& o) {
  std::size_t bytes = 0;
  forEachPart(o, [&](auto member, std::size_t count) { bytes += partBytes(count * elementBytes(member)); });
  return bytes;
}

/// visit(member, elements) of every array of the state that is no part of another.
template <class Visit>
void forEachArray(const Options& o, const StateTypes& types, const Visit& visit) {
  using S = DeviceState;
  const std::size_t M = o.patches, P = o.maxPairs, R = o.ringSlots, C = o.featureDim, D = o.hiddenDim, stride = roundedPatches(o);
  const std::size_t pixels = static_cast<std::size_t>(o.width) * o.height, cells = pixels / 16, samples = pixels * o.supersamples;
  const std::size_t rows = 6 * R;
  visit(&S::fetched, fetchedBytes(o));
  visit(&S::recorded, static_cast<std::size_t>(o.recordedWidth) * o.recordedHeight * o.channels);
  visit(&S::image, pixels * o.channels);
  visit(&S::cells, M);
  visit(&S::features, cells * C * activationBytes(types.features));
  visit(&S::context, M * D);
  visit(&S::contextRing, R * M * D);
  visit(&S::correlation, P * M * types.correlation.bytes());
  visit(&S::hiddenA, P * M * D * activationBytes(types.hidden));
  visit(&S::hiddenB, P * M * D * activationBytes(types.hidden));
  visit(&S::centre, P * M * 2);
  visit(&S::delta, P * M * 2);
  visit(&S::weight, P * M * 2);
  visit(&S::pairTables, 2 * R + 3 + 4 * P);
  visit(&S::patchFeatures, R * M * kPatchPixels * C * mapBytes(types.maps));
  visit(&S::fineMaps, R * mapElements(o.width / 4, o.height / 4, o.featureDim) * mapBytes(types.maps));
  visit(&S::coarseMaps, R * mapElements(o.width / 16, o.height / 16, o.featureDim) * mapBytes(types.maps));
  visit(&S::mapScale, R * 2);
  visit(&S::mapPeak, 2);
  visit(&S::mapPixel, samples);
  visit(&S::mapFraction, samples * 2);
  visit(&S::candidateGradient, kCandidatesPerPatch * M);
  visit(&S::candidateCell, kCandidatesPerPatch * M);
  visit(&S::edgeOrder, P * M);
  visit(&S::pairMotion, P);
  visit(&S::pairAdjoint, P * 36);
  visit(&S::pairBlocks, P * kPairBlocks);
  visit(&S::pairValid, P);
  visit(&S::pairDepth, P * kPairDepthRows * stride);
  visit(&S::depthGradient, R * stride);
  visit(&S::coupling, R * rows * stride);
  visit(&S::system, (rows + 1) * rows);
  visit(&S::step, rows);
  visit(&S::adjustmentTable, sizeof(BundleAdjustOptions) + R * sizeof(std::int32_t));
  visit(&S::questions, sizeof(QuestionTable) + kQuestions * P * sizeof(std::int32_t));
  visit(&S::healthConfidence, kQuestions * P * M);
  visit(&S::healthSums, kQuestions * P * kHealthSums);
}

std::size_t stagingBytes(const Options& o) {
  return static_cast<std::size_t>(o.recordedWidth) * o.recordedHeight * o.channels + kTables + static_cast<std::size_t>(o.maxPairs) * 64;
}

void uploadMap(DeviceState& state, const float* map, cudaStream_t stream) {
  const Options& o = state.options;
  std::vector<std::int32_t> pixel(state.mapPixel.size());
  std::vector<std::uint16_t> fraction(state.mapFraction.size());
  for (std::size_t i = 0; i < pixel.size(); ++i) {
    const RecordedSample sample = recordedSample(map[2 * i], map[2 * i + 1], o.recordedWidth, o.recordedHeight);
    pixel[i] = sample.pixel;
    fraction[2 * i] = sample.fraction[0];
    fraction[2 * i + 1] = sample.fraction[1];
  }
  upload(state.mapPixel.data(), pixel.data(), pixel.size(), stream);
  upload(state.mapFraction.data(), fraction.data(), fraction.size(), stream);
  check(cudaStreamSynchronize(stream), "copying the undistortion map to the GPU");
}

/// Poses at the origin, no covariance, nothing adjusted.
void uploadStart(DeviceState& state, cudaStream_t stream) {
  std::vector<double> poses(state.poses.size()), covariance(36, std::numeric_limits<double>::quiet_NaN());
  for (std::size_t i = 6; i < poses.size(); i += 7) poses[i] = 1;
  const std::vector<float> scale(state.mapScale.size(), 1.f);
  const AdjustmentReport report{1, 0};
  upload(state.poses.data(), poses.data(), poses.size(), stream);
  upload(state.poseCovariance.data(), covariance.data(), covariance.size(), stream);
  upload(state.mapScale.data(), scale.data(), scale.size(), stream);
  upload(state.report.data(), &report, 1, stream);
  check(cudaStreamSynchronize(stream), "preparing the state on the GPU");
}

}  // namespace

std::size_t stateBytes(const Options& options, const StateTypes& types) {
  std::size_t bytes = 0;
  forEachArray(options, types, [&](auto member, std::size_t count) { bytes += count * elementBytes(member); });
  return bytes;
}

DeviceState::DeviceState(const Context& context, const Options& o, const StateTypes& t, const float* undistortMap)
    : options(o),
      types(t),
      gridWidth(o.width / 4),
      gridHeight(o.height / 4),
      coarseWidth(gridWidth / 4),
      coarseHeight(gridHeight / 4),
      patchStride(roundedPatches(o)),
      staging(stagingBytes(o)) {
  forEachArray(o, t, [this](auto member, std::size_t count) { this->*member = std::remove_reference_t<decltype(this->*member)>(count); });
  std::byte* start = fetched.data();
  forEachPart(o, [&](auto member, std::size_t count) {
    this->*member = std::remove_reference_t<decltype(this->*member)>(start, count);
    start += partBytes(count * elementBytes(member));
  });
  adjustment = {reinterpret_cast<BundleAdjustOptions*>(adjustmentTable.data()), 1};
  poseVariable = {reinterpret_cast<std::int32_t*>(adjustment.data() + 1), static_cast<std::size_t>(o.ringSlots)};
  pairTablesHost.resize(pairTables.size());
  uploadMap(*this, undistortMap, context.stream());
  uploadStart(*this, context.stream());
}

PairTables DeviceState::pairs() const {
  const std::size_t R = options.ringSlots, P = options.maxPairs;
  const std::int32_t *first = pairTables.data() + 1, *source = first + R + 1;
  return {pairTables.data(), first, source, source + P, source + 2 * P, source + 3 * P, source + 4 * P};
}

}  // namespace qpvo::cuda
