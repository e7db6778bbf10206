// SPDX-License-Identifier: MIT
#include "ops_scene.hpp"
#include "questions.hpp"

// The geometry ops at the sizes of a run, timed only: 752x480 in the default windows (96 patches, 494 pairs) and the fast ones (48 patches, 310 pairs).

namespace qpvo::gpu {

namespace {

using cuda::Context;
using cuda::CorrelationRows;
using cuda::Precision;
using cuda::StateTypes;

SceneSize runSize(bool isFast) {
  SceneSize size;
  size.channels = 3;
  size.width = 752;
  size.height = 480;
  size.featureDim = 128;
  size.hiddenDim = 384;
  size.patches = isFast ? 48 : 96;
  size.frames = isFast ? 20 : 26;
  size.reach = isFast ? 10 : 12;
  return size;
}

constexpr double kPace = 0.1;  ///< at which nine of ten edges stay in sight, as in a run

/// With maps in bytes the correlation is in bytes too, as when all networks work in int8.
CorrelationRows rowsFor(Precision maps) { return {maps == Precision::int8 ? Precision::int8 : Precision::fp16, 896, 25}; }

StateTypes typesOf(Precision maps) { return {Precision::fp16, maps, Precision::fp16, rowsFor(maps)}; }

/// Frames along an arc with random maps, all pairs set.
std::shared_ptr<Scene> sceneOf(Context& context, bool isFast, Precision maps) {
  auto scene = std::make_shared<Scene>(context, runSize(isFast), typesOf(maps));
  scene->placeFrames(false, kPace);
  scene->makePairs();
  scene->uploadGeometry();
  cuda::prepareImage(scene->device(), scene->image(), context.stream());
  scene->makeFeatures();
  for (int slot = 0; slot < scene->size().frames; ++slot) cuda::insertFrame(scene->device(), slot, context.stream());
  context.synchronize();
  return scene;
}

double cellsOf(const Scene& scene) { return scene.size().width / 4.0 * (scene.size().height / 4.0); }
double edgesOf(const Scene& scene) { return static_cast<double>(scene.pairs()) * scene.size().patches; }

Work prepareWork(Context& context, bool isFast) {
  const auto scene = sceneOf(context, isFast, Precision::fp16);
  const auto image = std::make_shared<ImageView>(scene->image(0));
  const double pixels = static_cast<double>(scene->size().width) * scene->size().height;
  const auto enqueue = [scene, image, &context] {
    cuda::prepareImage(scene->device(), *image, context.stream());
    scene->device().staging.release();  // the bytes are the same every time
  };
  return {enqueue, pixels * (3 + 8 + 3 * 4), pixels * 30};
}

Work insertWork(Context& context, bool isFast, Precision maps) {
  const auto scene = sceneOf(context, isFast, maps);
  const double values = cellsOf(*scene) * scene->size().featureDim;
  return {[scene, &context] { cuda::insertFrame(scene->device(), 0, context.stream()); }, values * (2 + 17.0 / 16 * mapBytes(maps)), values * 2};
}

Work correlateWork(Context& context, bool isFast, Precision maps) {
  const auto scene = sceneOf(context, isFast, maps);
  const double channels = scene->size().featureDim, edges = edgesOf(*scene);
  const double bytes =
      scene->size().frames * channels * mapBytes(maps) * (cellsOf(*scene) * 17 / 16 + kPatchPixels * scene->size().patches) + edges * static_cast<double>(rowsFor(maps).bytes());
  const double operations = 2 * edges * kLevels * kPatchPixels * (kWindow + 1) * (kWindow + 1) * channels;
  return {[scene, &context] { cuda::correlate(scene->device(), context.stream()); }, bytes, operations,
          maps == Precision::int8 ? Arithmetic::byteTensorCores : Arithmetic::halfTensorCores};
}

/// The newest ten (seven) poses free, two iterations.
Work adjustWork(Context& context, bool isFast) {
  const auto scene = sceneOf(context, isFast, Precision::fp16);
  scene->makePredictions();
  scene->uploadGeometry();
  const int frames = scene->size().frames, free = isFast ? 7 : 10;
  std::vector<std::int32_t> variables(frames, -1);
  for (int i = 0; i < free; ++i) variables[frames - free + i] = i;
  cuda::setAdjustment(scene->device(), {free, 2, 1e-4f, 1, 1e-4f, 128, 64, 0.2f, 20, 1, 1e-4f}, variables.data(), context.stream());
  context.synchronize();
  const double edges = edgesOf(*scene), rows = 6.0 * free, depths = static_cast<double>(frames) * scene->size().patches;
  return {[scene, &context] { cuda::bundleAdjust(scene->device(), 2, context.stream()); }, edges * 24,
          2 * (2 * 350 * edges + rows * rows * depths + rows * rows * rows / 3)};
}

Work healthWork(Context& context, bool isFast) {
  const auto scene = sceneOf(context, isFast, Precision::fp16);
  scene->makePredictions();
  scene->uploadGeometry();
  const std::vector<std::uint8_t> flags(scene->pairs(), 1);
  cuda::Questions questions(scene->pairs());
  questions.askHealth(scene->device(), scene->pairs(), flags.data(), 1, 0.1f, 64);
  questions.upload(scene->device(), context.stream());
  context.synchronize();
  return {[scene, &context] { cuda::assessHealth(scene->device(), context.stream()); }, edgesOf(*scene) * 24, edgesOf(*scene) * 60};
}

const Rows rows([](Table& table) {
  const auto timed = [&](const std::string& op, const std::string& name, std::function<Work(Context&)> prepare) {
    Case row;
    row.op = op;
    row.name = name;
    row.prepare = std::move(prepare);
    table.push_back(std::move(row));
  };
  for (const bool isFast : {false, true}) {
    const std::string windows = isFast ? "fast windows" : "default windows";
    timed("prepareImage", windows, [=](Context& c) { return prepareWork(c, isFast); });
    timed("bundleAdjust", windows, [=](Context& c) { return adjustWork(c, isFast); });
    timed("assessHealth", windows, [=](Context& c) { return healthWork(c, isFast); });
    for (const Precision maps : {Precision::fp32, Precision::fp16, Precision::int8}) {
      timed("insertFrame", windows + ", " + nameOf(maps), [=](Context& c) { return insertWork(c, isFast, maps); });
      timed("correlate", windows + ", " + nameOf(maps), [=](Context& c) { return correlateWork(c, isFast, maps); });
    }
  }
});

}  // namespace

}  // namespace qpvo::gpu
