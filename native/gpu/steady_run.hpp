// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "encoder_networks.hpp"
#include "pair_window.hpp"
#include "pipeline.hpp"
#include "qpvo/math/se3.hpp"

// The whole pipeline in the steady state of the odometry: what a frame costs without Node.

namespace qpvo::gpu {

/// As the parameters of the odometry of the same names.
struct Windows {
  int patches, removal, optimization, lifetime;

  int ringSlots() const { return removal + lifetime + 1; }
  /// Of the steady state without keyframe removal.
  int pairs() const;
};

struct RunShape {
  std::string network;  ///< name of the widths
  EncoderWidths widths;
  ImageSize image;
  Windows windows;
  cuda::Precision precision;  ///< of both networks, and of stored maps
};

/// Stages of a frame in order, by the names that the training code's time-frame has too.
inline constexpr std::array kStages = {"prepare", "sample", "encoders", "insert", "correlation", "update", "bundle_adjustment", "read_back"};
inline constexpr std::size_t kStageCount = kStages.size();

struct FrameTime {
  double wholeMs;  ///< from the image to the next one, bookkeeping included
  double hostMs;   ///< of these outside of readBack(), which waits: bookkeeping and launches, but for the last copy and graph
};

/// Told where a stage begins, and after the last one.
class StageMarks {
 public:
  virtual ~StageMarks() = default;
  virtual void mark(std::size_t stage, cudaStream_t stream) = 0;
};

/// A camera that moves steadily, networks with random weights. Their flows are made so small that poses and depths stay where the motion puts them, and every frame does
/// the work of one that is tracked well.
class SteadyRun {
 public:
  SteadyRun(int device, const RunShape& shape);
  ~SteadyRun();

  /// The next frame as the odometry does it: image, patches, networks, one update, bundle adjustment of two iterations, what it asks about health and keyframes, and
  /// retirement of the oldest source. marks may be null.
  FrameTime frame(StageMarks* marks);

  /// Whether the windows are full.
  bool isSteady() const { return updatedPairs_ == shape_.windows.pairs(); }
  /// Of the last update.
  int pairs() const { return updatedPairs_; }
  /// T_camera_world of the newest frame, as it stands after its bundle adjustment.
  Rigid<double> newestPose() const;
  /// How it moves from frame to frame.
  static Rigid<double> motion();
  /// Edges that counted in the last bundle adjustment, of all that join two frames.
  double validShare() const { return validShare_; }

 private:
  Options options() const;
  ImageView nextImage();
  void insert(StageMarks* marks);
  void update(StageMarks* marks);
  void ask();
  void retire();
  void mark(StageMarks* marks, std::size_t stage);

  const RunShape shape_;
  std::vector<std::vector<std::uint8_t>> images_;
  std::vector<int> freeSlots_;
  PairWindow window_;
  std::vector<std::uint8_t> ofNewest_, ofLink_;
  std::unique_ptr<cuda::Pipeline> pipeline_;
  cudaStream_t stream_ = nullptr;  ///< the pipeline's
  int sequence_ = 0, updatedPairs_ = 0;
  double validShare_ = 0;
};

}  // namespace qpvo::gpu
