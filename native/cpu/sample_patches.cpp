// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <cmath>

#include "qpvo/ops.hpp"

namespace qpvo {

namespace {

/// SplitMix64 (Steele, Lea, Flood 2014) started from the seed and the frame's number: no state to carry, the same frame always draws the same.
class FrameRandom {
 public:
  FrameRandom(std::uint64_t seed, std::uint64_t sequence) : state_(mix(seed) ^ mix(sequence + 0x632be59bd9b4e019ULL)) {}
  std::uint64_t next() { return mix(state_ += 0x9e3779b97f4a7c15ULL); }
  int below(int n) { return static_cast<int>((next() >> 32) * static_cast<std::uint64_t>(n) >> 32); }
  float uniform() { return static_cast<float>(next() >> 40) * 0x1p-24f; }

 private:
  static std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  std::uint64_t state_;
};

struct Centroid {
  int x, y;
  float gradient;
};

/// Mean over the 4x4 pixels of a grid cell of the length of the forward-difference gradient, channels summed.
float cellGradient(const State& state, int x, int y) {
  const Options& o = state.options;
  const std::size_t plane = static_cast<std::size_t>(o.width) * o.height;
  float sum = 0;
  for (int v = 4 * y; v < 4 * y + 4; ++v) {
    for (int u = 4 * x; u < 4 * x + 4; ++u) {
      float dx = 0, dy = 0;
      for (int c = 0; c < o.channels; ++c) {
        const float* p = state.image.data() + plane * c + static_cast<std::size_t>(v) * o.width + u;
        dx += u + 1 < o.width ? p[1] - p[0] : 0;
        dy += v + 1 < o.height ? p[o.width] - p[0] : 0;
      }
      sum += std::sqrt(dx * dx + dy * dy);
    }
  }
  return sum / 16;
}

std::uint8_t intensity(const Options& o, float normalised) {
  return static_cast<std::uint8_t>(std::clamp((normalised - o.offset) / o.scale + 0.5f, 0.f, 255.f));
}

void storeColor(State& state, int slot, int patch, int x, int y) {
  const Options& o = state.options;
  const std::size_t plane = static_cast<std::size_t>(o.width) * o.height;
  const std::size_t pixel = static_cast<std::size_t>(4 * y + 2) * o.width + 4 * x + 2;
  std::uint8_t* rgb = state.colors.data() + (static_cast<std::size_t>(slot) * o.patches + patch) * 3;
  for (int c = 0; c < 3; ++c) rgb[c] = intensity(o, state.image[(o.channels == 3 ? plane * (2 - c) : 0) + pixel]);
}

}  // namespace

void samplePatches(State& state, int slot, std::uint64_t seed, std::uint64_t sequence, Selection selection, float inverseDepth, const CellArea& area) {
  const Options& o = state.options;
  FrameRandom random(seed, sequence);
  std::array<Centroid, kCandidatesPerPatch * 1024> candidates;
  const int uniform = uniformPatches(selection, o.patches);
  const int count = uniform + kCandidatesPerPatch * (o.patches - uniform);
  for (int k = 0; k < count; ++k) {
    Centroid& c = candidates[k];
    c.x = area.left + random.below(area.right - area.left + 1);
    c.y = area.top + random.below(area.bottom - area.top + 1);
    c.gradient = k < uniform ? 0 : cellGradient(state, c.x, c.y);
  }
  std::stable_sort(candidates.begin() + uniform, candidates.begin() + count, [](const Centroid& a, const Centroid& b) { return a.gradient > b.gradient; });
  const std::size_t base = static_cast<std::size_t>(slot) * state.patchStride;
  for (int k = 0; k < o.patches; ++k) {
    const Centroid& c = candidates[k];
    state.cells[k] = c.y * state.gridWidth + c.x;
    state.patchX[base + k] = static_cast<float>(c.x);
    state.patchY[base + k] = static_cast<float>(c.y);
    state.inverseDepth[base + k] = inverseDepth >= 0 ? inverseDepth : random.uniform();
    storeColor(state, slot, k, c.x, c.y);
  }
}

}  // namespace qpvo
