// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>

#include "hidden_moves.hpp"
#include "ops_scene.hpp"
#include "questions.hpp"

// The geometry ops against native/cpu.

namespace qpvo::gpu {

namespace {

using cuda::Context;
using cuda::CorrelationRows;
using cuda::Precision;
using cuda::StateTypes;

constexpr StateTypes kFloats{Precision::fp32, Precision::fp32, Precision::fp32, {Precision::fp32, kCorrelationDim}};

SceneSize sized(int width, int height, int featureDim, int patches, int frames, int reach) {
  SceneSize size;
  size.width = width;
  size.height = height;
  size.featureDim = featureDim;
  size.patches = patches;
  size.frames = frames;
  size.reach = reach;
  return size;
}

// --- the image and its patches

void checkImage(Context& context, Comparison& comparison, const SceneSize& size, int channels, int gap) {
  Scene scene(context, size, kFloats);
  const ImageView image = scene.image(channels, gap);
  qpvo::prepareImage(scene.cpu(), image);
  cuda::prepareImage(scene.device(), image, context.stream());
  comparison.same("image", onHost(context, scene.device().image), allOf(scene.cpu().image));
}

void checkSampling(Context& context, Comparison& comparison, const SceneSize& size, Selection selection, float inverseDepth) {
  Scene scene(context, size, kFloats);
  const ImageView image = scene.image();
  State& s = scene.cpu();
  cuda::DeviceState& d = scene.device();
  const CellArea area{2, 1, s.gridWidth - 3, s.gridHeight - 2};
  qpvo::prepareImage(s, image);
  cuda::prepareImage(d, image, context.stream());
  for (int slot = 0; slot < size.frames; ++slot) {
    qpvo::samplePatches(s, slot, 99, slot, selection, inverseDepth, area);
    cuda::samplePatches(d, slot, 99, slot, selection, inverseDepth, area, context.stream());
  }
  comparison.same("cells", onHost(context, d.cells), allOf(s.cells));
  comparison.same("patchX", onHost(context, d.patchX), allOf(s.patchX));
  comparison.same("patchY", onHost(context, d.patchY), allOf(s.patchY));
  comparison.same("inverseDepth", onHost(context, d.inverseDepth), allOf(s.inverseDepth));
  comparison.same("colors", onHost(context, d.colors), allOf(s.colors));
}

// --- maps

void checkInsertion(Context& context, Comparison& comparison, const SceneSize& size, Precision features, Precision maps) {
  Scene scene(context, size, {features, maps, Precision::fp32, {Precision::fp32, kCorrelationDim}});
  State& s = scene.cpu();
  cuda::DeviceState& d = scene.device();
  const int slot = size.frames - 1;
  scene.makeFeatures();
  for (int k = 0; k < size.patches; ++k) s.cells[k] = (1 + k % (s.gridHeight - 2)) * s.gridWidth + 1 + 3 * k % (s.gridWidth - 2);
  cuda::upload(d.cells.data(), s.cells.data(), s.cells.size(), context.stream());
  qpvo::insertFrame(s, slot);
  cuda::insertFrame(d, slot, context.stream());
  const std::vector<float> scales = onHost(context, d.mapScale);
  const std::vector<float> fine(size.frames, scales[2 * slot]), coarse(size.frames, scales[2 * slot + 1]);
  // In bytes the unit of the comparison is a step.
  const double unit = maps == Precision::int8 ? fine[0] : 1, coarseUnit = maps == Precision::int8 ? coarse[0] : 1;
  comparison.close("fine maps", scene.values(d.fineMaps, maps, fine), allOf(s.fineMaps), unit);
  comparison.close("coarse maps", scene.values(d.coarseMaps, maps, coarse), allOf(s.coarseMaps), coarseUnit);
  comparison.close("patch features", scene.values(d.patchFeatures, maps, fine), allOf(s.patchFeatures), unit);
  comparison.same("context", onHost(context, d.contextRing), allOf(s.contextRing));
}

// --- correlation

/// What is left of the rows beyond F must stay zero.
std::vector<float> rowsOf(const std::vector<float>& values, int stride, std::size_t rows, Comparison& comparison) {
  std::vector<float> out;
  bool zero = true;
  for (std::size_t i = 0; i < rows * stride; ++i) {
    if (static_cast<int>(i % stride) < kCorrelationDim) {
      out.push_back(values[i]);
    } else {
      zero = zero && values[i] == 0;
    }
  }
  comparison.holds("what lies beyond a row is zero", zero);
  return out;
}

/// Bytes are compared in their steps, others relative to the largest value.
void checkCorrelation(Context& context, Comparison& comparison, const SceneSize& size, Precision maps, const CorrelationRows& rows, bool withOutliers) {
  Scene scene(context, size, {maps == Precision::fp32 ? Precision::fp32 : Precision::fp16, maps, Precision::fp16, rows});
  State& s = scene.cpu();
  cuda::DeviceState& d = scene.device();
  scene.insertAll();
  scene.placeFrames(withOutliers);
  scene.uploadGeometry();
  scene.makePairs();
  qpvo::correlate(s, scene.pairs());
  cuda::correlate(d, context.stream());
  const std::size_t edges = static_cast<std::size_t>(scene.pairs()) * size.patches;
  const bool isBytes = rows.type == Precision::int8;
  const float step = 1 / rows.perValue;
  std::vector<float> expected = firstOf(s.correlation, edges * kCorrelationDim);
  if (isBytes) {
    for (float& value : expected) value = std::clamp(value, -128 * step, 127 * step);
  }
  comparison.close("correlation", rowsOf(scene.values(d.correlation, rows.type, {step}), rows.stride, edges, comparison), expected, isBytes ? step : largest(expected));
  const std::vector<float> centre = onHost(context, d.centre), expectedCentre = firstOf(s.centre, edges * 2);
  comparison.close("centre", std::vector<float>(centre.begin(), centre.begin() + edges * 2), expectedCentre, 100 * largest(expectedCentre));
}

// --- geometry

BundleAdjustOptions adjustment(int freePoses, int iterations) { return {freePoses, iterations, 1e-4f, 1, 1e-4f, 128, 64, 0.2f, 20, 1, 1e-4f}; }

/// The newest freePoses frames move.
void checkAdjustment(Context& context, Comparison& comparison, const SceneSize& size, int freePoses, float poseDamping) {
  Scene scene(context, size, kFloats);
  State& s = scene.cpu();
  cuda::DeviceState& d = scene.device();
  scene.placeFrames(false);
  scene.makePairs();
  scene.makePredictions();
  scene.uploadGeometry();
  for (int slot = 0; slot < size.frames; ++slot) s.poseVariable[slot] = slot < size.frames - freePoses ? -1 : slot - (size.frames - freePoses);
  BundleAdjustOptions options = adjustment(freePoses, 2);
  options.poseDamping = poseDamping;
  cuda::setAdjustment(d, options, s.poseVariable.data(), context.stream());
  cuda::bundleAdjust(d, options.iterations, context.stream());
  const BundleAdjustReport expected = qpvo::bundleAdjust(s, scene.pairs(), options);
  const cuda::AdjustmentReport report = onHost(context, d.report)[0];
  comparison.holds("the report says the same", (report.solved != 0) == expected.solved && report.validEdges == expected.validEdges);
  comparison.close("poses", onHost(context, d.poses), allOf(s.poses));
  const auto patches = [&](const std::vector<float>& table) { return patchesOf(table, size.patches, s.patchStride); };
  comparison.close("inverseDepth", patches(onHost(context, d.inverseDepth)), patches(allOf(s.inverseDepth)));
  // Variances of depths without edges are 1 / damping: relative.
  std::vector<float> variance = patches(onHost(context, d.depthVariance)), expectedVariance = patches(allOf(s.depthHessian));
  for (std::size_t i = 0; i < variance.size(); ++i) {
    variance[i] /= expectedVariance[i];
    expectedVariance[i] = 1;
  }
  comparison.close("depthVariance", variance, expectedVariance);
  // Relative, and a tenth of the rest: the damping alone holds the scale of the scene, and the CPU's own results in vectors of other widths differ by 5e-4.
  double scale = 0;
  for (const double value : allOf(s.poseCovariance)) scale = std::fmax(scale, std::abs(value));
  comparison.close("poseCovariance", onHost(context, d.poseCovariance), allOf(s.poseCovariance), scale > 0 ? 10 * scale : 1);
}

/// Two questions at once, the second about each `flagged`. pair or about none.
void checkHealth(Context& context, Comparison& comparison, const SceneSize& size, int flagged) {
  Scene scene(context, size, kFloats);
  State& s = scene.cpu();
  scene.placeFrames(true);
  scene.makePairs();
  scene.makePredictions();
  scene.uploadGeometry();
  struct Asked {
    std::vector<std::uint8_t> flags;
    float inlierThreshold, minConfidence, margin;
  };
  std::vector<Asked> asked{{{}, 2, 0.1f, 64}, {{}, 1, 0.3f, 4}};
  for (int p = 0; p < scene.pairs(); ++p) {
    asked[0].flags.push_back(p % 2);
    asked[1].flags.push_back(flagged > 0 && p % flagged == 0);
  }
  cuda::Questions questions(scene.pairs());
  for (const Asked& q : asked) questions.askHealth(scene.device(), scene.pairs(), q.flags.data(), q.inlierThreshold, q.minConfidence, q.margin);
  questions.upload(scene.device(), context.stream());
  cuda::assessHealth(scene.device(), context.stream());
  const std::vector<Health> answers = onHost(context, scene.device().healthAnswers);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const auto& [flags, inlierThreshold, minConfidence, margin] = asked[i];
    const Health expected = qpvo::assessHealth(s, scene.pairs(), flags.data(), inlierThreshold, minConfidence, margin), &health = answers[i];
    comparison.same("median and edges", std::vector{health.medianConfidence, static_cast<float>(health.edges)},
                    {expected.medianConfidence, static_cast<float>(expected.edges)});
    comparison.close("residual and share", std::vector{health.residual, health.inlierShare}, std::vector{expected.residual, expected.inlierShare});
  }
}

void checkFlow(Context& context, Comparison& comparison, const SceneSize& size) {
  Scene scene(context, size, kFloats);
  scene.placeFrames(false);
  scene.uploadGeometry();
  const int last = size.frames - 1;
  cuda::Questions questions(scene.pairs());
  for (int question = 0; question < cuda::kQuestions; ++question) questions.askFlow(question % 2 == 0 ? 0 : last, last, 0.25f * static_cast<float>(question));
  questions.upload(scene.device(), context.stream());
  cuda::flowMagnitude(scene.device(), context.stream());
  const std::vector<Flow> answers = onHost(context, scene.device().flowAnswers);
  for (int question = 0; question < cuda::kQuestions; ++question) {
    const Flow expected = qpvo::flowMagnitude(scene.cpu(), question % 2 == 0 ? 0 : last, last, 0.25f * static_cast<float>(question));
    comparison.close("flow", std::vector{answers[question].mean, answers[question].parallax}, std::vector{expected.mean, expected.parallax});
  }
}

void checkPoints(Context& context, Comparison& comparison, const SceneSize& size) {
  Scene scene(context, size, kFloats);
  scene.placeFrames(false);
  scene.uploadGeometry();
  cuda::pointCloud(scene.device(), context.stream());
  std::vector<float> expected;
  for (int slot = 0; slot < size.frames; ++slot) {
    std::vector<float> points(3 * static_cast<std::size_t>(size.patches));
    qpvo::pointCloud(scene.cpu(), slot, points.data());
    expected.insert(expected.end(), points.begin(), points.end());
  }
  comparison.close("points", onHost(context, scene.device().points), expected, largest(expected));
}

/// Moves in any order, done now and then, against moves done one by one.
void checkMoves(Context& context, Comparison& comparison, int bytesPerPair) {
  constexpr int pairs = 40;
  cuda::Staging staging(1 << 17);
  cuda::HiddenMoves moves(pairs, bytesPerPair);
  Random random(11);
  std::vector<std::byte> expected(static_cast<std::size_t>(pairs) * bytesPerPair);
  for (std::byte& byte : expected) byte = static_cast<std::byte>(random.bits());
  cuda::DeviceBuffer<std::byte> hidden = onDevice(context, expected);
  context.synchronize();
  for (int i = 0; i < 200; ++i) {
    const int from = random.integer(0, pairs - 1), to = random.integer(0, pairs - 1);
    if (!moves.add(from, to) || i % 20 == 19) {
      moves.apply(hidden.data(), staging, context.stream());
      moves.add(from, to);
    }
    if (from != to) std::copy_n(expected.begin() + from * bytesPerPair, bytesPerPair, expected.begin() + to * bytesPerPair);
  }
  moves.apply(hidden.data(), staging, context.stream());
  comparison.same("hidden states", onHost(context, hidden), expected);
}

const Rows rows([](Table& table) {
  for (const int bytes : {6, 32, 4816}) {
    table.push_back({"moveHidden", std::to_string(bytes) + " bytes a pair", 0, "exact", [=](Context& c, Comparison& to) { checkMoves(c, to, bytes); }, {}});
  }
  for (const int channels : {1, 3}) {
    SceneSize size = sized(64, 48, 16, 5, 2, 1);
    size.channels = channels;
    size.supersamples = channels;
    for (const int gap : {0, 5}) {
      for (int recorded = 1; recorded <= channels; recorded += 2) {
        const std::string name = std::to_string(channels) + " channels of " + std::to_string(recorded) + (gap > 0 ? ", rows with a gap" : "");
        table.push_back({"prepareImage", name, 0, "exact", [=](Context& c, Comparison& to) { checkImage(c, to, size, recorded, gap); }, {}});
      }
    }
    for (const int patches : {1, 33, 200}) {
      size.patches = patches;
      const std::string name = std::to_string(channels) + " channels, " + std::to_string(patches) + " patches";
      table.push_back({"samplePatches", name + ", random", 0, "exact", [=](Context& c, Comparison& to) { checkSampling(c, to, size, Selection::random, -1); }, {}});
      table.push_back(
          {"samplePatches", name + ", by gradient", 0, "exact", [=](Context& c, Comparison& to) { checkSampling(c, to, size, Selection::gradient, 0.25f); }, {}});
      table.push_back({"samplePatches", name + ", mixed", 0, "exact", [=](Context& c, Comparison& to) { checkSampling(c, to, size, Selection::mixed, -1); }, {}});
    }
  }
  struct Stored {
    Precision features, maps;
    double tolerance;
    const char* reason;
  };
  for (const Stored& stored : {Stored{Precision::fp32, Precision::fp32, 0, "exact"},
                               {Precision::fp16, Precision::fp16, 1.3e-4, "half an ulp of fp16 below 0.4, of the coarse map"},
                               {Precision::fp32, Precision::fp16, 1.3e-4, "half an ulp of fp16 below 0.4"},
                               {Precision::fp16, Precision::int8, 0.501, "half a step"},
                               {Precision::fp32, Precision::int8, 0.501, "half a step"}}) {
    for (const SceneSize& size : {sized(32, 32, 16, 1, 2, 1), sized(112, 48, 48, 17, 3, 1)}) {
      table.push_back({"insertFrame",
                       nameOf(stored.features) + " features, " + nameOf(stored.maps) + " maps, " + nameOf(size),
                       stored.tolerance,
                       stored.reason,
                       [=](Context& c, Comparison& to) { checkInsertion(c, to, size, stored.features, stored.maps); },
                       {}});
    }
  }
  struct Correlated {
    Precision maps;
    CorrelationRows rows;
    double tolerance;
    const char* reason;
  };
  const CorrelationRows halves{Precision::fp16, 896}, bytes{Precision::int8, 896, 100};
  const char* const halfUlp = "half an ulp of fp16; sums of bytes are exact";
  const char* const halfStep = "half a step; fractions of the reprojection";
  for (const Correlated& kind : {Correlated{Precision::fp32, {Precision::fp32, 882}, 1e-4, "fractions of the reprojection are known to 1e-5 grid px"},
                                 {Precision::fp16, {Precision::fp32, 884}, 1e-4, "products of halves are exact, sums fp32; fractions of the reprojection"},
                                 {Precision::fp16, halves, 6e-4, halfUlp},
                                 {Precision::int8, halves, 6e-4, halfUlp},
                                 {Precision::fp16, bytes, 0.52, halfStep},
                                 {Precision::int8, bytes, 0.52, halfStep}}) {
    for (const SceneSize& size : {sized(32, 32, 16, 1, 2, 1), sized(32, 32, 16, 3, 2, -1), sized(96, 64, 32, 5, 3, 2), sized(64, 64, 48, 3, 3, 2),
                                  sized(80, 64, 64, 17, 4, 3), sized(96, 80, 128, 33, 3, 1)}) {
      for (const bool withOutliers : {false, true}) {
        table.push_back({"correlate",
                         nameOf(kind.maps) + " maps, " + nameOf(kind.rows.type) + " rows of " + std::to_string(kind.rows.stride) + ", " + nameOf(size) +
                             (withOutliers ? ", with outliers" : ""),
                         kind.tolerance,
                         kind.reason,
                         [=](Context& c, Comparison& to) { checkCorrelation(c, to, size, kind.maps, kind.rows, withOutliers); },
                         {}});
      }
    }
  }
  const auto adjusted = [&](const SceneSize& size, int freePoses, bool isLarge = false) {
    table.push_back({"bundleAdjust",
                     nameOf(size) + ", " + std::to_string(freePoses) + " poses free",
                     2e-4,
                     "sums of fp32 products, amplified by the condition of the system",
                     [=](Context& c, Comparison& to) { checkAdjustment(c, to, size, freePoses, 1); },
                     {},
                     isLarge});
  };
  for (const SceneSize& size : {sized(64, 64, 16, 1, 3, 2), sized(160, 128, 16, 33, 4, 3), sized(320, 240, 16, 150, 8, 4), sized(64, 64, 16, 4, 2, -1)}) {
    for (const int freePoses : {0, 1, 2}) adjusted(size, freePoses);
    table.push_back({"bundleAdjust",
                     nameOf(size) + ", not positive definite",
                     1e-5,
                     "sums of fp32 products",
                     [=](Context& c, Comparison& to) { checkAdjustment(c, to, size, 2, -1e9f); },
                     {}});
  }
  adjusted(sized(320, 240, 16, 48, 8, 4), 7);
  adjusted(sized(96, 64, 16, 7, 16, 15), 15);  // more rows than shared memory holds; fewer patches do not determine the poses
  adjusted(sized(160, 128, 16, 33, 20, 10), 6);  // more pairs than a block has threads
  adjusted(sized(752, 480, 16, 96, 26, 12), 10, true);
  const SceneSize run = sized(752, 480, 128, 96, 26, 12);
  for (const Correlated& kind : {Correlated{Precision::fp16, halves, 6e-4, halfUlp}, {Precision::int8, bytes, 0.52, halfStep}}) {
    table.push_back({"correlate",
                     nameOf(kind.maps) + " maps, " + nameOf(kind.rows.type) + " rows of 896, " + nameOf(run),
                     kind.tolerance,
                     kind.reason,
                     [=](Context& c, Comparison& to) { checkCorrelation(c, to, run, kind.maps, kind.rows, false); },
                     {},
                     true});
  }
  for (const SceneSize& size : {sized(64, 64, 16, 1, 3, 2), sized(160, 128, 16, 33, 6, 3), sized(160, 128, 16, 200, 5, 4)}) {
    for (const int flagged : {0, 1, 3}) {
      table.push_back({"assessHealth",
                       nameOf(size) + (flagged == 0 ? ", no pair asked for" : ", each " + std::to_string(flagged) + ". pair"),
                       1e-5,
                       "reprojection in fp32",
                       [=](Context& c, Comparison& to) { checkHealth(c, to, size, flagged); },
                       {}});
    }
    table.push_back({"flowMagnitude", nameOf(size), 1e-4, "grid px; reprojection in fp32", [=](Context& c, Comparison& to) { checkFlow(c, to, size); }, {}});
    table.push_back(
        {"pointCloud", nameOf(size), 1e-6, "relative to the farthest point; fp64, stored in fp32", [=](Context& c, Comparison& to) { checkPoints(c, to, size); }, {}});
  }
});

}  // namespace

}  // namespace qpvo::gpu
