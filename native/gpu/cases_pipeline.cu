// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <memory>

#include "cases.hpp"
#include "ops_scene.hpp"
#include "pair_window.hpp"
#include "pipeline.hpp"
#include "qpvo/error.hpp"
#include "runtime/launch.hpp"
#include "staging.hpp"

// The pipeline against the CPU's ops through a made-up run with networks of a few lines: graphs that are replayed for other pairs, tables that change as soon as a call
// has returned, hidden states that move.

namespace qpvo::gpu {

namespace {

using namespace qpvo::cuda;

constexpr int kThreads = 64;

/// Of channel c of a grid cell whose first pixel is this bright, and of entry d of the context of a cell.
__host__ __device__ inline float featureOf(float pixel, int c) { return 0.2f * pixel * (c % 3 == 0 ? 1.f : -0.5f) + 0.01f * static_cast<float>(c % 5); }
__host__ __device__ inline float contextOf(int cell, int d) { return 0.01f * static_cast<float>(cell % 17) - 0.02f * static_cast<float>(d % 3); }

/// Of one edge: hidden state (in, and that of the previous pair or null), context, correlation -> hidden state, correction, confidence.
__host__ __device__ inline void updateEdge(int D, const float* in, const float* previous, const float* context, const float* correlation, float* out, float* delta,
                                           float* weight) {
  for (int d = 0; d < D; ++d) out[d] = 0.5f * in[d] + (previous == nullptr ? 0.f : 0.125f * previous[d]) + 0.25f * context[d] + 0.1f * correlation[7 * d];
  for (int i = 0; i < 2; ++i) {
    delta[i] = 0.3f * out[i];
    weight[i] = 1 / (1 + out[i + 2] * out[i + 2]);
  }
}

__global__ void encodeKernel(const float* image, const std::int32_t* cells, int count, int width, int gridWidth, int gridCells, int C, int D, float* features,
                             float* context) {
  const int i = static_cast<int>(blockIdx.x) * kThreads + static_cast<int>(threadIdx.x);
  if (i < gridCells * C) {
    const int cell = i / C;
    features[i] = featureOf(image[4 * (cell / gridWidth) * width + 4 * (cell % gridWidth)], i % C);
  }
  if (i < count * D) context[i] = contextOf(cells[i / D], i % D);
}

struct PlainEncoder : DeviceEncoder {
  explicit PlainEncoder(const Options& options) : o(options) {}
  Options o;
  void encode(const float* image, const std::int32_t* cells, int count, void* features, float* context, cudaStream_t stream) override {
    const int grid = o.width / 4 * (o.height / 4);
    launch("encode", encodeKernel, {.blocksX = blocksFor(std::max(grid * o.featureDim, count * o.hiddenDim), kThreads), .threads = kThreads}, stream, image, cells, count,
           o.width, o.width / 4, grid, o.featureDim, o.hiddenDim, static_cast<float*>(features), context);
  }
  Precision featurePrecision() const override { return Precision::fp32; }
};

__global__ void updateKernel(DeviceUpdateArrays a, const std::int32_t* table, int patches, int D, int stride, int maxPairs) {
  const int edge = static_cast<int>(blockIdx.x) * kThreads + static_cast<int>(threadIdx.x), p = edge / patches, k = edge % patches;
  if (p >= table[0]) return;
  const int source = table[1 + p], previous = table[1 + maxPairs + p];
  const auto* in = static_cast<const float*>(a.hiddenIn);
  updateEdge(D, in + edge * D, previous < 0 ? nullptr : in + (previous * patches + k) * D, a.contextRing + (source * patches + k) * D,
             static_cast<const float*>(a.correlation) + edge * stride, static_cast<float*>(a.hiddenOut) + edge * D, a.delta + 2 * edge, a.weight + 2 * edge);
}

struct PlainUpdate : DeviceUpdate {
  explicit PlainUpdate(const Options& options) : o(options), table(1 + 2 * options.maxPairs), staging(1 << 16) {}
  Options o;
  DeviceBuffer<std::int32_t> table;
  Staging staging;
  void arrange(const qpvo::network::PairTable& pairs, cudaStream_t stream) override {
    const std::int32_t count = pairs.count;
    staging.upload(table.data(), &count, 1, stream);
    staging.upload(table.data() + 1, pairs.source, pairs.count, stream);
    staging.upload(table.data() + 1 + o.maxPairs, pairs.previous, pairs.count, stream);
  }
  void run(const DeviceUpdateArrays& arrays, cudaStream_t stream) override {
    launch("update", updateKernel, {.blocksX = blocksFor(o.maxPairs * o.patches, kThreads), .threads = kThreads}, stream, arrays, table.data(), o.patches, o.hiddenDim,
           correlationRows().stride, o.maxPairs);
  }
  Precision statePrecision() const override { return Precision::fp32; }
  CorrelationRows correlationRows() const override { return {Precision::fp32, 888}; }
  void waited() override {
    if (fails) throw Error("QPVO_INTERNAL", "made up");
  }
  bool fails = false;
};

/// The CPU's side: its ops and the same networks.
struct Reference {
  State state;
  std::vector<float> current, other;

  Reference(const Options& o, const float* map) : state(o, map), current(static_cast<std::size_t>(o.maxPairs) * o.patches * o.hiddenDim), other(current.size()) {}

  std::size_t perPair() const { return static_cast<std::size_t>(state.options.patches) * state.options.hiddenDim; }

  void encode() {
    const Options& o = state.options;
    const int cells = state.gridWidth * state.gridHeight;
    for (int cell = 0; cell < cells; ++cell) {
      const float pixel = state.image[4 * (cell / state.gridWidth) * o.width + 4 * (cell % state.gridWidth)];
      for (int c = 0; c < o.featureDim; ++c) state.features[static_cast<std::size_t>(c) * cells + cell] = featureOf(pixel, c);
    }
    for (int i = 0; i < o.patches * o.hiddenDim; ++i) state.context[i] = contextOf(state.cells[i / o.hiddenDim], i % o.hiddenDim);
  }

  void update(const PairWindow& window) {
    const int M = state.options.patches, D = state.options.hiddenDim;
    for (int p = 0; p < window.count(); ++p) {
      for (int k = 0; k < M; ++k) {
        const std::size_t edge = static_cast<std::size_t>(p) * M + k, before = static_cast<std::size_t>(window.previous[p]) * M + k;
        updateEdge(D, &current[edge * D], window.previous[p] < 0 ? nullptr : &current[before * D],
                   &state.contextRing[(static_cast<std::size_t>(window.source[p]) * M + k) * D], &state.correlation[edge * kCorrelationDim], &other[edge * D],
                   &state.delta[2 * edge], &state.weight[2 * edge]);
      }
    }
  }

  void move(int from, int to) { std::copy_n(current.begin() + from * perPair(), perPair(), current.begin() + to * perPair()); }
  void clear(int first, int count) { std::fill_n(current.begin() + first * perPair(), count * perPair(), 0.f); }
};

Options runOptions(int patches, int slots, int reach) {
  Options o{};
  o.channels = 1;
  o.width = 96;
  o.height = 64;
  o.recordedWidth = 98;
  o.recordedHeight = 66;
  o.supersamples = 1;
  o.featureDim = 16;
  o.hiddenDim = 24;
  o.patches = patches;
  o.ringSlots = slots;
  o.maxPairs = slots * (2 * reach - 1);
  o.threads = 1;
  o.scale = 2.f / 255;
  o.offset = -0.5f;
  o.fx = o.fy = 20;
  o.cx = 12;
  o.cy = 8;
  return o;
}

/// A run on both sides.
class Run {
 public:
  Run(Context& context, int patches, int slots, int reach)
      : options_(runOptions(patches, slots, reach)),
        reach_(reach),
        map_(mapOf(options_)),
        cpu_(options_, map_.data()),
        gpu_(
            {options_, context.device(), Precision::fp32}, map_.data(), [&](const Context&) { return std::make_unique<PlainEncoder>(options_); },
            [&](const Context&) { return std::make_unique<PlainUpdate>(options_); }) {}

  void frame(int slot, int sequence, int updates, Comparison& comparison) {
    insert(slot, sequence);
    const int first = window_.accept(slot, reach_);
    gpu_.clearHidden(first, window_.count() - first);
    cpu_.clear(first, window_.count() - first);
    for (int i = 0; i < updates; ++i) update();
    const std::vector<std::uint8_t> flags(window_.count(), 1);
    gpu_.askHealth(window_.count(), flags.data(), 1, 0.1f, 4);
    gpu_.askFlow(window_.frames.front(), slot, 0.5f);
    const Answers answers = gpu_.readBack(window_.count());
    const Health health = assessHealth(cpu_.state, window_.count(), flags.data(), 1, 0.1f, 4);
    const Flow flow = flowMagnitude(cpu_.state, window_.frames.front(), slot, 0.5f);
    comparison.holds("one answer to each question, and the same report", answers.health.size() == 1 && answers.flows.size() == 1 &&
                                                                             answers.adjusted.solved == report_.solved &&
                                                                             answers.adjusted.validEdges == report_.validEdges);
    comparison.close("health", std::vector{answers.health[0].medianConfidence, answers.health[0].residual}, std::vector{health.medianConfidence, health.residual});
    comparison.close("flow", std::vector{answers.flows[0].mean, answers.flows[0].parallax}, std::vector{flow.mean, flow.parallax});
    compare(comparison);
  }

  void removeFrame(int slot) {
    window_.remove(slot, [&](int from, int to) {
      gpu_.moveHidden(from, to);
      cpu_.move(from, to);
    });
  }

 private:
  static std::vector<float> mapOf(const Options& o) {
    std::vector<float> map;
    for (int i = 0; i < o.width * o.height; ++i) {
      map.push_back(static_cast<float>(i % o.width) + 0.25f);
      map.push_back(static_cast<float>(i / o.width) + 0.5f);
    }
    return map;
  }

  void insert(int slot, int sequence) {
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(options_.recordedWidth) * options_.recordedHeight);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<std::uint8_t>(128 + 100 * std::sin(0.1 * static_cast<double>(i % options_.recordedWidth + 2 * sequence)));
    }
    const ImageView image{bytes.data(), options_.recordedWidth, options_.recordedHeight, 1, static_cast<std::size_t>(options_.recordedWidth)};
    const CellArea area{1, 1, options_.width / 4 - 2, options_.height / 4 - 2};
    const double step[6] = {-0.02 * sequence, 0.01 * sequence, 0, 0, 0.005 * sequence, 0};
    cpu_.state.setPose(slot, exponential(step));
    std::copy_n(&cpu_.state.poses[slot * 7], 7, gpu_.mirrors().poses + slot * 7);
    gpu_.setPose(slot);
    gpu_.mirrors().poses[slot * 7] = 1e9;  // read during the call, never later
    gpu_.prepareImage(image);
    prepareImage(cpu_.state, image);
    std::fill(bytes.begin(), bytes.end(), 0);
    gpu_.samplePatches(slot, 5, sequence, Selection::gradient, 0.7f, area);
    samplePatches(cpu_.state, slot, 5, sequence, Selection::gradient, 0.7f, area);
    for (int k = 0; k < cpu_.state.patchStride; ++k) {
      const std::size_t patch = static_cast<std::size_t>(slot) * cpu_.state.patchStride + k;
      cpu_.state.inverseDepth[patch] = gpu_.mirrors().inverseDepth[patch] = 0.5f + 0.01f * static_cast<float>((k + sequence) % 40);
    }
    gpu_.setInverseDepths(slot);
    gpu_.mirrors().inverseDepth[static_cast<std::size_t>(slot) * cpu_.state.patchStride] = 1e9f;
    gpu_.encode();
    cpu_.encode();
    gpu_.insertFrame(slot);
    insertFrame(cpu_.state, slot);
  }

  void update() {
    const int count = window_.count();
    window_.link();
    for (int p = 0; p < count; ++p) {
      gpu_.mirrors().pairSource[p] = cpu_.state.pairSource[p] = window_.source[p];
      gpu_.mirrors().pairTarget[p] = cpu_.state.pairTarget[p] = window_.target[p];
    }
    gpu_.correlate(count);
    correlate(cpu_.state, count);
    std::fill_n(gpu_.mirrors().pairSource, count, 1 << 20);
    std::vector<std::int32_t> source = window_.source;
    gpu_.update({count, source.data(), window_.previous.data(), window_.next.data()});
    std::fill(source.begin(), source.end(), 1 << 20);
    cpu_.update(window_);
    gpu_.swapHidden();
    std::swap(cpu_.current, cpu_.other);
    const int free = static_cast<int>(window_.frames.size()) - 1;
    std::fill_n(cpu_.state.poseVariable.data(), options_.ringSlots, -1);
    for (int i = 0; i < free; ++i) cpu_.state.poseVariable[window_.frames[i + 1]] = i;
    std::copy_n(cpu_.state.poseVariable.data(), options_.ringSlots, gpu_.mirrors().poseVariable);
    const BundleAdjustOptions options{free, 2, 1e-4f, 1, 1e-4f, 128, 64, 0.2f, 20, 1, 1e-4f};
    gpu_.bundleAdjust(options);
    std::fill_n(gpu_.mirrors().poseVariable, options_.ringSlots, 1 << 20);
    report_ = bundleAdjust(cpu_.state, count, options);
  }

  void compare(Comparison& comparison) {
    const Mirrors& m = gpu_.mirrors();
    const State& s = cpu_.state;
    const std::size_t edges = 2 * static_cast<std::size_t>(window_.count()) * options_.patches;
    const auto floats = [](const float* values, std::size_t count) { return std::vector<float>(values, values + count); };
    comparison.close("centre", floats(m.centre, edges), floats(s.centre.data(), edges));
    comparison.close("delta", floats(m.delta, edges), floats(s.delta.data(), edges));
    comparison.close("weight", floats(m.weight, edges), floats(s.weight.data(), edges));
    comparison.same("patchX", floats(m.patchX, s.patchX.size()), allOf(s.patchX));
    comparison.same("colors", std::vector<std::uint8_t>(m.colors, m.colors + s.colors.size()), allOf(s.colors));
    std::vector<double> poses, expectedPoses;
    std::vector<float> depths, expectedDepths, points, expectedPoints(3 * static_cast<std::size_t>(options_.patches));
    for (const int slot : window_.frames) {
      poses.insert(poses.end(), m.poses + 7 * slot, m.poses + 7 * slot + 7);
      expectedPoses.insert(expectedPoses.end(), &s.poses[7 * slot], &s.poses[7 * slot] + 7);
      depths.insert(depths.end(), m.inverseDepth + slot * s.patchStride, m.inverseDepth + slot * s.patchStride + options_.patches);
      expectedDepths.insert(expectedDepths.end(), &s.inverseDepth[slot * s.patchStride], &s.inverseDepth[slot * s.patchStride] + options_.patches);
    }
    comparison.close("poses", poses, expectedPoses);
    comparison.close("inverseDepth", depths, expectedDepths);
    const int newest = window_.frames.back();
    pointCloud(s, newest, expectedPoints.data());
    comparison.close("points", floats(m.points + 3 * static_cast<std::size_t>(newest) * options_.patches, expectedPoints.size()), expectedPoints,
                     largest(expectedPoints));
  }

  Options options_;
  int reach_;
  std::vector<float> map_;
  Reference cpu_;
  Pipeline gpu_;
  PairWindow window_;
  BundleAdjustReport report_{};
};

/// Frames come, the last but one goes now and then, the oldest leaves when the ring is full.
void checkRun(Context& context, Comparison& comparison, int patches) {
  Run run(context, patches, 6, 4);
  run.frame(0, 0, 1, comparison);
  run.frame(1, 1, 1, comparison);
  run.frame(2, 2, 3, comparison);
  run.removeFrame(1);
  run.frame(3, 3, 1, comparison);
  run.frame(1, 4, 1, comparison);
  run.removeFrame(3);
  run.removeFrame(0);
  run.frame(4, 5, 2, comparison);
  run.frame(5, 6, 1, comparison);
}

void checkBytes(Context& context, Comparison& comparison) {
  const Options o = runOptions(7, 5, 3);
  const std::vector<float> map(static_cast<std::size_t>(o.width) * o.height * 2);
  const std::size_t before = allocatedBytes().device;
  const Pipeline pipeline(
      {o, context.device(), Precision::int8}, map.data(), [&](const Context&) { return std::make_unique<PlainEncoder>(o); },
      [&](const Context&) { return std::make_unique<PlainUpdate>(o); });
  const std::size_t networks = (1 + 2 * o.maxPairs) * sizeof(std::int32_t), moves = o.maxPairs * 2 * sizeof(std::int32_t);
  const std::size_t rows = static_cast<std::size_t>(o.maxPairs) * o.patches * (896 - 888) * sizeof(float);
  comparison.holds("the estimate is what was taken",
                   allocatedBytes().device - before == deviceBytes(o, Precision::fp32, Precision::fp32, Precision::int8) - rows + networks + moves);
}

/// Code and text of what the work throws; empty when it throws nothing.
template <class Work>
std::string thrownBy(const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.code() + ": " + error.what();
  }
  return {};
}

/// An engine of TensorRT that cannot run for want of memory.
struct StarvingEncoder : PlainEncoder {
  StarvingEncoder(const Options& options, int& calls) : PlainEncoder(options), calls_(calls) {}
  void encode(const float*, const std::int32_t*, int, void*, float*, cudaStream_t) override {
    ++calls_;
    throw Error("QPVO_OUT_OF_MEMORY", "the GPU has 1 MB free");
  }
  bool isCapturable() const override { return false; }

 private:
  int& calls_;
};

void checkStarving(Context& context, Comparison& comparison) {
  const Options o = runOptions(7, 5, 3);
  const std::vector<float> map(static_cast<std::size_t>(o.width) * o.height * 2);
  int calls = 0;
  Pipeline pipeline(
      {o, context.device(), Precision::fp32}, map.data(), [&](const Context&) { return std::make_unique<StarvingEncoder>(o, calls); },
      [&](const Context&) { return std::make_unique<PlainUpdate>(o); });
  const auto starves = [](const auto& work) { return thrownBy(work) == "QPVO_OUT_OF_MEMORY: the GPU has 1 MB free"; };
  comparison.holds("the frame fails", starves([&] { pipeline.encode(); }));
  comparison.holds("whatever comes then fails for the same reason", starves([&] { pipeline.encode(); }) && starves([&] { pipeline.insertFrame(0); }) && calls == 1);
}

/// Frames that end early, one before its answers and one while it waits for them, leave nothing behind for the next one.
void checkFailedFrames(Context& context, Comparison& comparison) {
  const Options o = runOptions(7, 5, 3);
  const std::vector<float> map(static_cast<std::size_t>(o.width) * o.height * 2);
  const std::vector<std::uint8_t> bytes(static_cast<std::size_t>(o.recordedWidth) * o.recordedHeight);
  PlainUpdate* network = nullptr;
  Pipeline pipeline(
      {o, context.device(), Precision::fp32}, map.data(), [&](const Context&) { return std::make_unique<PlainEncoder>(o); },
      [&](const Context&) {
        auto made = std::make_unique<PlainUpdate>(o);
        network = made.get();
        return made;
      });
  const auto ask = [&] {
    pipeline.prepareImage({bytes.data(), o.recordedWidth, o.recordedHeight, 1, static_cast<std::size_t>(o.recordedWidth)});
    pipeline.correlate(0);
    for (int i = 0; i < kQuestions; ++i) {
      pipeline.askHealth(0, nullptr, 1, 0.1f, 4);
      pipeline.askFlow(0, 1, 0.5f);
    }
  };
  ask();
  comparison.holds("one question more is refused", thrownBy([&] { pipeline.askFlow(0, 1, 0.5f); }).starts_with("QPVO_INTERNAL: questions about flow"));
  ask();
  network->fails = true;
  comparison.holds("the wait fails", thrownBy([&] { pipeline.readBack(0); }) == "QPVO_INTERNAL: made up");
  network->fails = false;
  ask();
  const Answers answers = pipeline.readBack(0);
  comparison.holds("as many answers as questions", answers.health.size() == kQuestions && answers.flows.size() == kQuestions);
}

const Rows rows([](Table& table) {
  for (const int patches : {1, 19}) {
    table.push_back({"pipeline",
                     "seven frames of " + std::to_string(patches) + " patches",
                     2e-3,
                     "fp32 through twenty updates, amplified by the condition of the systems",
                     [=](Context& c, Comparison& to) { checkRun(c, to, patches); },
                     {}});
  }
  table.push_back({"pipeline", "after frames that failed", 0, "exact", checkFailedFrames, {}});
  table.push_back({"pipeline", "device memory", 0, "exact", checkBytes, {}});
  table.push_back({"pipeline", "memory that runs out in a frame", 0, "exact", checkStarving, {}});
});

}  // namespace

}  // namespace qpvo::gpu
