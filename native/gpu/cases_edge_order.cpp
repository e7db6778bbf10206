// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <tuple>

#include "cpu/reproject.hpp"
#include "ops_scene.hpp"

// The order in which the correlation visits the edges: what it should be, and what it is for.

namespace qpvo::gpu {

namespace {

using cuda::Context;
using cuda::kTilesAcross;
using cuda::Precision;

constexpr float kUnsure = 1e-3f;  ///< tiles: nearer to the border of one the GPU's sums may round to the other side
constexpr int kBlock = 8;         ///< edges of a block of the correlation
constexpr int kEach = 5;          ///< of so many blocks one is counted

constexpr double kPace = 0.1;     ///< of a motion that leaves most edges in sight, as in a run

/// Where the nine pixels of an edge look.
struct Look {
  float x[kPatchPixels], y[kPatchPixels];
};

/// By row of the correlation.
std::vector<Look> looksOf(Scene& scene) {
  const State& s = scene.cpu();
  std::vector<Look> looks;
  for (int p = 0; p < scene.pairs(); ++p) {
    const Reprojection reprojection(s, s.pairSource[p], s.pairTarget[p]);
    for (int k = 0; k < scene.size().patches; ++k) {
      Look look;
      reprojection.patch(s, s.pairSource[p], k, look.x, look.y);
      looks.push_back(look);
    }
  }
  return looks;
}

/// Rows of the correlation, target after target, as the table has them.
std::vector<std::int32_t> byTarget(Scene& scene) {
  const int patches = scene.size().patches;
  std::vector<std::int32_t> edges(static_cast<std::size_t>(scene.pairs()) * patches);
  std::iota(edges.begin(), edges.end(), 0);
  std::stable_sort(edges.begin(), edges.end(), [&](int a, int b) { return scene.cpu().pairTarget[a / patches] < scene.cpu().pairTarget[b / patches]; });
  return edges;
}

std::vector<std::int32_t> orderOnDevice(Context& context, Scene& scene) {
  cuda::relateFrames(scene.device(), context.stream());
  cuda::orderEdges(scene.device(), context.stream());
  std::vector<std::int32_t> order = onHost(context, scene.device().edgeOrder);
  order.resize(static_cast<std::size_t>(scene.pairs()) * scene.size().patches);
  return order;
}

/// Of the fine map: column or row of tiles, and whether it is sure.
struct Tile {
  int at;
  bool isSure;
};

Tile tileAt(float cell, int cells) {
  const float tiles = cell * kTilesAcross / static_cast<float>(cells), border = std::round(tiles);
  if (!(tiles >= 0)) return {0, !(tiles > -kUnsure)};
  return {static_cast<int>(std::min(tiles, kTilesAcross - 1.f)), std::abs(tiles - border) > kUnsure || border >= kTilesAcross};
}

/// Place along a Morton curve: the bits of column and row in turns.
int mortonPlace(int column, int row) {
  int place = 0;
  for (int bit = 0; (1 << bit) < kTilesAcross; ++bit) place |= (column >> bit & 1) << 2 * bit | (row >> bit & 1) << (2 * bit + 1);
  return place;
}

void checkOrder(Context& context, Comparison& comparison, const SceneSize& size, bool withOutliers) {
  Scene scene(context, size, {Precision::fp32, Precision::fp32, Precision::fp32, {Precision::fp32, kCorrelationDim}});
  scene.placeFrames(withOutliers);
  scene.makePairs();
  scene.uploadGeometry();
  const State& s = scene.cpu();
  const std::vector<Look> looks = looksOf(scene);
  std::vector<int> place(looks.size());
  std::vector<bool> isSure(looks.size());
  for (std::size_t e = 0; e < looks.size(); ++e) {
    const Tile column = tileAt(looks[e].x[kPatchPixels / 2], s.gridWidth), row = tileAt(looks[e].y[kPatchPixels / 2], s.gridHeight);
    place[e] = mortonPlace(column.at, row.at);
    isSure[e] = column.isSure && row.isSure;
  }
  std::vector<std::int32_t> expected = byTarget(scene), order = orderOnDevice(context, scene), all = expected, every = order;
  std::sort(every.begin(), every.end());
  std::sort(all.begin(), all.end());
  comparison.same("every edge once", every, all);
  comparison.keep(order);
  std::stable_sort(expected.begin(), expected.end(), [&](int a, int b) {
    return std::tuple(s.pairTarget[a / size.patches], place[a]) < std::tuple(s.pairTarget[b / size.patches], place[b]);
  });
  const auto isUnsure = [&](std::int32_t e) { return !isSure[e]; };
  const auto joinsTwo = [&](std::int32_t e) { return s.pairSource[e / size.patches] != s.pairTarget[e / size.patches]; };  // of one frame all may look at a border
  const auto unsure = std::count_if(order.begin(), order.end(), [&](std::int32_t e) { return isUnsure(e) && joinsTwo(e); });
  comparison.holds("nearly all edges are in a tile for sure", unsure <= 0.02 * static_cast<double>(order.size()));
  std::erase_if(expected, isUnsure);
  std::erase_if(order, isUnsure);
  comparison.same("order", order, expected);
}

/// Different cells of both levels that the blocks of the correlation read, over all their reads: what a first-level cache that serves one block leaves to the second.
double shareOfNewCells(Scene& scene, const std::vector<Look>& looks, const std::vector<std::int32_t>& order) {
  const State& s = scene.cpu();
  std::size_t reads = 0, cells = 0;
  std::set<std::tuple<int, int, int, int>> seen;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i / kBlock % kEach != 0) continue;
    if (i % kBlock == 0) seen.clear();
    const Look& look = looks[order[i]];
    const int target = s.pairTarget[order[i] / scene.size().patches];
    for (int level = 0; level < kLevels; ++level) {
      const float scale = level == 0 ? 1 : 0.25f;
      std::set<std::pair<int, int>> window;
      for (int pixel = 0; pixel < kPatchPixels; ++pixel) {
        const float x = look.x[pixel] * scale, y = look.y[pixel] * scale;
        if (!(x > 0 && y > 0 && x < s.gridWidth * scale && y < s.gridHeight * scale)) continue;
        for (int cell = 0; cell < (kWindow + 1) * (kWindow + 1); ++cell) {
          window.emplace(static_cast<int>(x) + cell % (kWindow + 1), static_cast<int>(y) + cell / (kWindow + 1));
        }
      }
      reads += window.size();
      for (const auto& [x, y] : window) cells += seen.emplace(target, level, x, y).second;
    }
  }
  return static_cast<double>(cells) / static_cast<double>(reads);
}

void checkReuse(Context& context, Comparison& comparison, const SceneSize& size) {
  Scene scene(context, size, {Precision::fp32, Precision::int8, Precision::fp16, {Precision::fp16, kCorrelationDim}});
  scene.placeFrames(false, kPace);
  scene.makePairs();
  scene.uploadGeometry();
  const std::vector<Look> looks = looksOf(scene);
  const double before = shareOfNewCells(scene, looks, byTarget(scene)), after = shareOfNewCells(scene, looks, orderOnDevice(context, scene));
  comparison.holds("as the table has them the edges of a block share few cells", before > 0.9);
  comparison.close("share of new cells", std::vector{static_cast<float>(after)}, std::vector{0.f});
}

SceneSize sized(int width, int height, int patches, int frames, int reach) {
  SceneSize size;
  size.width = width;
  size.height = height;
  size.featureDim = 16;
  size.patches = patches;
  size.frames = frames;
  size.reach = reach;
  return size;
}

const Rows rows([](Table& table) {
  for (const SceneSize& size : {sized(32, 32, 1, 2, 1), sized(32, 32, 3, 2, -1), sized(96, 64, 33, 3, 2), sized(752, 480, 96, 7, 6), sized(160, 128, 200, 14, 13)}) {
    for (const bool withOutliers : {false, true}) {
      table.push_back({"orderEdges", nameOf(size) + (withOutliers ? ", with outliers" : ""), 0, "exact",
                       [=](Context& c, Comparison& to) { checkOrder(c, to, size, withOutliers); }, {}});
    }
  }
  table.push_back({"orderEdges", "what a block reads anew, default windows", 0.4, "share of its reads, of random patches; counted 0.38, and 0.93 as the table has them",
                   [](Context& c, Comparison& to) { checkReuse(c, to, sized(752, 480, 96, 26, 12)); }, {}});
});

}  // namespace

}  // namespace qpvo::gpu
