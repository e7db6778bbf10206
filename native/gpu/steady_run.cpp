// SPDX-License-Identifier: MIT
#include "steady_run.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>

#include "runtime/context.hpp"
#include "update_networks.hpp"

namespace qpvo::gpu {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kSeed = 5;
constexpr int kImages = 4;
constexpr float kInverseDepth = 0.5f;
constexpr double kStep[6] = {-0.02, 0.005, 0, 0, 0.002, 0};  ///< of T_camera_world from frame to frame
constexpr float kSmallFlow = 1e-3f;                          ///< grid px, about
constexpr int kKeyframeIndex = 4, kLostFrames = 5;           ///< defaults of the odometry
constexpr BundleAdjustOptions kSolver{0, 2, 1e-4f, 1, 1e-4f, 128, 64, 0.2f, 20, 1, 1e-4f};

double milliseconds(Clock::duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

MadeUpEncoder encoderOf(const RunShape& shape) { return {shape.widths, kSeed, shape.precision == cuda::Precision::int8}; }

MadeUpNetwork updateOf(const RunShape& shape) {
  const UpdateSizes sizes{.hiddenDim = shape.widths.hiddenDim, .correlationLength = kCorrelationDim, .patches = shape.windows.patches};
  MadeUpNetwork made(sizes, shape.precision == cuda::Precision::int8 ? LayerTypes::bytes : LayerTypes::floats, kSeed);
  for (const char* name : {"update.d.1.weight", "update.d.1.bias"}) {
    for (float& value : made.values(name)) value *= kSmallFlow;
  }
  return made;
}

/// Each pixel of the network image at its own of the recorded one, [height][width][2].
std::vector<float> identityMap(const ImageSize& size) {
  std::vector<float> map;
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) map.insert(map.end(), {static_cast<float>(x), static_cast<float>(y)});
  }
  return map;
}

std::vector<std::uint8_t> bytesOf(const std::vector<float>& values) {
  std::vector<std::uint8_t> bytes(values.size());
  std::transform(values.begin(), values.end(), bytes.begin(), [](float value) { return static_cast<std::uint8_t>(std::clamp(100 + 80 * value, 0.f, 255.f)); });
  return bytes;
}

}  // namespace

int Windows::pairs() const {
  int count = 0;
  for (int age = 0; age <= removal; ++age) count += lifetime + std::min(age, lifetime - 1);
  return count;
}

SteadyRun::SteadyRun(int device, const RunShape& shape) : shape_(shape), ofNewest_(shape.windows.pairs()), ofLink_(shape.windows.pairs()) {
  for (int i = 0; i < kImages; ++i) images_.push_back(bytesOf(madeUpImage(shape.widths.inputChannels, shape.image, i)));
  const Options o = options();
  freeSlots_.resize(o.ringSlots);
  std::iota(freeSlots_.rbegin(), freeSlots_.rend(), 0);
  const std::vector<float> map = identityMap(shape.image);
  const auto encoder = [&](const cuda::Context& context) {
    stream_ = context.stream();
    return cuda::network::makeEncoder(context, {o.width, o.height, o.patches}, shape.precision, encoderOf(shape).tensors());
  };
  const auto update = [&](const cuda::Context& context) {
    return cuda::network::makeUpdate(context, {o.hiddenDim, kCorrelationDim, o.patches, o.ringSlots, o.maxPairs}, shape.precision, updateOf(shape).tensors());
  };
  pipeline_ = std::make_unique<cuda::Pipeline>(cuda::PipelineOptions{o, device, shape.precision}, map.data(), encoder, update);
}

SteadyRun::~SteadyRun() = default;

Options SteadyRun::options() const {
  Options o{};
  o.channels = shape_.widths.inputChannels;
  o.width = o.recordedWidth = shape_.image.width;
  o.height = o.recordedHeight = shape_.image.height;
  o.supersamples = 1;
  o.featureDim = shape_.widths.featureDim;
  o.hiddenDim = shape_.widths.hiddenDim;
  o.patches = shape_.windows.patches;
  o.ringSlots = shape_.windows.ringSlots();
  o.maxPairs = shape_.windows.pairs();
  o.threads = 1;
  o.scale = 2.f / 255;
  o.offset = -0.5f;
  o.fx = o.fy = 0.2f * static_cast<float>(o.width);
  o.cx = static_cast<float>(o.width) / 8;
  o.cy = static_cast<float>(o.height) / 8;
  return o;
}

Rigid<double> SteadyRun::motion() { return exponential(kStep); }

Rigid<double> SteadyRun::newestPose() const {
  const double* const p = pipeline_->mirrors().poses + 7 * window_.frames.back();
  return {{p[0], p[1], p[2]}, {p[3], p[4], p[5], p[6]}};
}

ImageView SteadyRun::nextImage() {
  const std::vector<std::uint8_t>& image = images_[sequence_ % kImages];
  const int channels = shape_.widths.inputChannels;
  return {image.data(), shape_.image.width, shape_.image.height, channels, static_cast<std::size_t>(shape_.image.width) * channels};
}

FrameTime SteadyRun::frame(StageMarks* marks) {
  const auto start = Clock::now();
  insert(marks);
  update(marks);
  ask();
  mark(marks, kStageCount - 1);
  const auto asked = Clock::now();
  const cuda::Answers answers = pipeline_->readBack(0);
  const auto answered = Clock::now();
  mark(marks, kStageCount);
  const auto ofItself = static_cast<int>(std::count_if(window_.source.begin(), window_.source.end(), [&, p = 0](int slot) mutable { return window_.target[p++] == slot; }));
  validShare_ = static_cast<double>(answers.adjusted.validEdges) / std::max(1, (updatedPairs_ - ofItself) * shape_.windows.patches);
  retire();
  ++sequence_;
  const auto end = Clock::now();
  return {milliseconds(end - start), milliseconds(end - start - (answered - asked))};
}

void SteadyRun::insert(StageMarks* marks) {
  const int slot = freeSlots_.back();
  double* const poses = pipeline_->mirrors().poses;
  const Rigid<double> pose = window_.frames.empty() ? motion() : compose(motion(), newestPose());
  mark(marks, 0);
  pipeline_->prepareImage(nextImage());
  mark(marks, 1);
  const CellArea area{1, 1, shape_.image.width / 4 - 2, shape_.image.height / 4 - 2};
  pipeline_->samplePatches(slot, kSeed, sequence_, Selection::gradient, kInverseDepth, area);
  std::copy_n(pose.t, 3, poses + 7 * slot);
  std::copy_n(pose.q, 4, poses + 7 * slot + 3);
  pipeline_->setPose(slot);
  mark(marks, 2);
  pipeline_->encode();
  mark(marks, 3);
  pipeline_->insertFrame(slot);
  freeSlots_.pop_back();
  const int first = window_.accept(slot, shape_.windows.lifetime);
  pipeline_->clearHidden(first, window_.count() - first);
}

void SteadyRun::update(StageMarks* marks) {
  const cuda::Mirrors& m = pipeline_->mirrors();
  const int count = updatedPairs_ = window_.count();
  window_.link();
  std::copy(window_.source.begin(), window_.source.end(), m.pairSource);
  std::copy(window_.target.begin(), window_.target.end(), m.pairTarget);
  mark(marks, 4);
  pipeline_->correlate(count);
  mark(marks, 5);
  pipeline_->update({count, window_.source.data(), window_.previous.data(), window_.next.data()});
  pipeline_->swapHidden();
  BundleAdjustOptions solver = kSolver;
  const int frames = static_cast<int>(window_.frames.size());
  const int anchored = frames == sequence_ + 1 ? 1 : 0;  // until the first frame of the run has left
  const int firstFree = std::max(frames - shape_.windows.optimization, anchored);
  std::fill_n(m.poseVariable, shape_.windows.ringSlots(), -1);
  for (int f = firstFree; f < frames; ++f) m.poseVariable[window_.frames[f]] = f - firstFree;
  solver.freePoses = frames - firstFree;
  mark(marks, 6);
  pipeline_->bundleAdjust(solver);
}

/// The evidence about the newest frame and about how the newest ones hang together with the others, and the flows of the keyframe test.
void SteadyRun::ask() {
  const int count = window_.count(), frames = static_cast<int>(window_.frames.size());
  const auto newest = window_.frames.end() - std::min(frames, kLostFrames);
  const auto isNew = [&](int slot) { return std::find(newest, window_.frames.end(), slot) != window_.frames.end(); };
  for (int p = 0; p < count; ++p) {
    ofNewest_[p] = window_.target[p] == window_.frames.back() && window_.source[p] != window_.target[p];
    ofLink_[p] = isNew(window_.source[p]) != isNew(window_.target[p]);
  }
  for (const auto* flags : {&ofNewest_, &ofLink_}) pipeline_->askHealth(count, flags->data(), 1, 0.1f, kSolver.margin);
  const int tested = frames - kKeyframeIndex;
  if (tested < 1) return;
  pipeline_->askFlow(window_.frames[tested - 1], window_.frames[tested + 1], 0.5f);
  pipeline_->askFlow(window_.frames[tested + 1], window_.frames[tested - 1], 0.5f);
}

void SteadyRun::retire() {
  window_.retire(shape_.windows.removal, [&](int from, int to) { pipeline_->moveHidden(from, to); });
  const std::vector<int> before = window_.frames;
  window_.evict(shape_.windows.optimization);
  freeSlots_.insert(freeSlots_.end(), before.begin(), before.end() - static_cast<std::ptrdiff_t>(window_.frames.size()));
}

void SteadyRun::mark(StageMarks* marks, std::size_t stage) {
  if (marks != nullptr) marks->mark(stage, stream_);
}

}  // namespace qpvo::gpu
