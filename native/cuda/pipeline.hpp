// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "network/parts.hpp"
#include "precision.hpp"
#include "qpvo/ops.hpp"

// All of a frame on the GPU, as the addon sees it. Needs no CUDA header.

namespace qpvo::cuda {

struct PipelineOptions {
  Options state;
  int device;
  Precision maps;  ///< of stored feature maps and patch features: follows the encoder's precision as a rule
};

/// What makes the networks on the pipeline's device: own ones (network::makeEncoder, makeUpdate) or foreign ones.
using EncoderMaker = std::function<std::unique_ptr<DeviceEncoder>(const Context&)>;
using UpdateMaker = std::function<std::unique_ptr<DeviceUpdate>(const Context&)>;

/// Pinned host copies; shapes as the arrays of the same names in qpvo/state.hpp. The caller writes pairSource, pairTarget, poseVariable,
/// poses and, for another start, inverseDepth, and reads the others.
struct Mirrors {
  std::int32_t *pairSource, *pairTarget, *poseVariable;
  double *poses, *poseCovariance;
  float *patchX, *patchY, *inverseDepth, *depthVariance;
  float *centre, *delta, *weight;
  float* image;
  float* points;  ///< [R][M][3] world points of the slots' patches
  std::uint8_t* colors;
  std::int32_t* cells;
  int patchStride;
};

/// What readBack() brings besides the mirrors, the answers in the order in which was asked.
struct Answers {
  BundleAdjustReport adjusted;
  std::vector<Health> health;
  std::vector<Flow> flows;
};

/// One camera's state and networks on one GPU. Calls enqueue on one stream and return; their arguments and the tables in the mirrors are copied during the call. Only
/// readBack() and readView() wait. One call at a time, from any thread. Any call may throw QPVO_DEVICE_LOST, or QPVO_OUT_OF_MEMORY where an engine of
/// TensorRT runs; the pipeline is then dead and throws it again.
class Pipeline {
 public:
  /// @throws QPVO_NO_DEVICE, QPVO_OUT_OF_MEMORY with what is needed, and what the makers throw
  Pipeline(const PipelineOptions& options, const float* undistortMap, const EncoderMaker& encoder, const UpdateMaker& update);
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  const Mirrors& mirrors() const;

  /// Begins a frame: questions that are still open, of one that failed, are forgotten. @throws QPVO_IMAGE_SIZE
  void prepareImage(const ImageView& recorded);
  void samplePatches(int slot, std::uint64_t seed, std::uint64_t sequence, Selection selection, float inverseDepth, const CellArea& area);
  /// mirrors().poses of the slot to the device.
  void setPose(int slot);
  /// mirrors().inverseDepth of the slot to the device.
  void setInverseDepths(int slot);
  void encode();
  void insertFrame(int slot);

  /// Of the first `count` pairs in mirrors().pairSource, pairTarget.
  void correlate(int count);
  /// Of the pairs of the last correlate(), with its sources. The current hidden state stays; swapHidden() makes the new one current.
  void update(const qpvo::network::PairTable& pairs);
  void swapHidden();
  /// Of the current hidden state: pair `to` becomes what `from` is; pairs first..first+count-1 become zero.
  void moveHidden(int from, int to);
  void clearHidden(int first, int count);
  /// Of the pairs of the last correlate(), with mirrors().poseVariable.
  void bundleAdjust(const BundleAdjustOptions& options);

  /// Questions that the next readBack() answers, at most kQuestions of a kind, about the state as it is then. askHealth is about the pairs of the last correlate(), one
  /// flag each.
  void askHealth(int count, const std::uint8_t* flags, float inlierThreshold, float minConfidence, float margin);
  void askFlow(int source, int target, float beta);

  /// Waits. Afterwards the mirrors hold the state of the device: frames' arrays whole, centre, delta and weight of the first `pairs` pairs; image and cells are left out.
  Answers readBack(int pairs);
  /// Waits. The newest image and cells into the mirrors.
  void readView();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// Device memory of the pipeline's own state, without networks, as far as the options say.
std::size_t deviceBytes(const Options& options, Precision encoder, Precision update, Precision maps);

}  // namespace qpvo::cuda
