// SPDX-License-Identifier: MIT
#include <cstring>

#include "qpvo/ops.hpp"

namespace qpvo {

namespace {

/// [C][h][w] -> [h][w][C], one grid row, in blocks that stay in the first-level cache.
void toChannelsLast(const State& state, int y, float* map) {
  const int C = state.options.featureDim, w = state.gridWidth;
  const std::size_t plane = static_cast<std::size_t>(state.gridHeight) * w;
  constexpr int kBlock = 16;
  for (int x0 = 0; x0 < w; x0 += kBlock) {
    const int n = x0 + kBlock <= w ? kBlock : w - x0;
    for (int c0 = 0; c0 < C; c0 += kBlock) {
      const float* in = state.features.data() + plane * c0 + static_cast<std::size_t>(y) * w + x0;
      float* out = map + (static_cast<std::size_t>(y) * state.fineStride() + x0) * C + c0;
      for (int x = 0; x < n; ++x) {
        for (int c = 0; c < kBlock; ++c) out[static_cast<std::size_t>(x) * C + c] = in[plane * c + x];
      }
    }
  }
}

/// One row of the coarse map: mean of 4x4 cells.
void poolRow(const State& state, const float* fine, int y, float* coarse) {
  const int C = state.options.featureDim;
  for (int x = 0; x < state.coarseWidth; ++x) {
    float* out = coarse + (static_cast<std::size_t>(y) * state.coarseStride() + x) * C;
    std::memset(out, 0, sizeof(float) * C);
    for (int v = 4 * y; v < 4 * y + 4; ++v) {
      const float* in = fine + (static_cast<std::size_t>(v) * state.fineStride() + 4 * x) * C;
      for (int u = 0; u < 4; ++u) {
        for (int c = 0; c < C; ++c) out[c] += in[u * C + c];
      }
    }
    for (int c = 0; c < C; ++c) out[c] *= 1.f / 16;
  }
}

void gatherPatch(State& state, int slot, int patch, const float* fine) {
  const int C = state.options.featureDim;
  const int x = state.cells[patch] % state.gridWidth, y = state.cells[patch] / state.gridWidth;
  float* out = state.patchFeatures.data() + (static_cast<std::size_t>(slot) * state.options.patches + patch) * kPatchPixels * C;
  for (int dy = -1; dy <= 1; ++dy) {
    std::memcpy(out + (dy + 1) * 3 * C, fine + (static_cast<std::size_t>(y + dy) * state.fineStride() + x - 1) * C, sizeof(float) * 3 * C);
  }
}

void insertFloats(State& state, int slot) {
  float* fine = state.fineMap(slot);
  float* coarse = state.coarseMap(slot);
  state.pool.run(state.gridHeight, [&](int y, int) { toChannelsLast(state, y, fine); });
  state.pool.run(state.coarseHeight, [&](int y, int) { poolRow(state, fine, y, coarse); });
  for (int k = 0; k < state.options.patches; ++k) gatherPatch(state, slot, k, fine);
}

}  // namespace

void insertFrame(State& state, int slot) {
  const Options& o = state.options;
  if (state.byteMaps) {
    state.byteMaps->insert(slot, state.features.data(), state.cells.data(), state.pool);
  } else {
    insertFloats(state, slot);
  }
  std::memcpy(state.contextRing.data() + static_cast<std::size_t>(slot) * o.patches * o.hiddenDim, state.context.data(), sizeof(float) * o.patches * o.hiddenDim);
}

}  // namespace qpvo
