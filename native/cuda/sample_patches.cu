// SPDX-License-Identifier: MIT
#include "exact.cuh"
#include "ops.hpp"
#include "runtime/launch.hpp"

namespace qpvo::cuda {

namespace {

constexpr int kThreads = 128;

/// SplitMix64 (Steele, Lea, Flood 2014): draw n is a function of the start and n alone, so that each thread makes its own. The same draws as on the CPU.
constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15ULL;

__host__ __device__ inline std::uint64_t mixed(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

std::uint64_t frameStart(std::uint64_t seed, std::uint64_t sequence) { return mixed(seed) ^ mixed(sequence + 0x632be59bd9b4e019ULL); }

__device__ std::uint64_t draw(std::uint64_t start, int n) { return mixed(start + static_cast<std::uint64_t>(n + 1) * kGolden); }
__device__ int below(std::uint64_t drawn, int n) { return static_cast<int>((drawn >> 32) * static_cast<std::uint64_t>(n) >> 32); }
__device__ float uniform(std::uint64_t drawn) { return static_cast<float>(drawn >> 40) * 0x1p-24f; }

struct SampleTask {
  const float* image;
  int channels, width, height, gridWidth;
  float scale, offset;
  CellArea area;
  std::uint64_t start;
  int patches, uniform, candidates;         ///< the first `uniform` candidates become patches, the others by their gradient
  float inverseDepth;
  std::int32_t* candidateCell;
  float* candidateGradient;
  std::int32_t* cells;                      ///< [M]
  float *patchX, *patchY, *patchDepth;      ///< [M] of the slot
  std::uint8_t* colors;                     ///< [M][3] of the slot
};

/// Mean over the 4x4 pixels of a grid cell of the length of the forward-difference gradient, channels summed.
__device__ float cellGradient(const SampleTask& t, int x, int y) {
  const std::size_t plane = static_cast<std::size_t>(t.width) * t.height;
  float total = 0;
  for (int v = 4 * y; v < 4 * y + 4; ++v) {
    for (int u = 4 * x; u < 4 * x + 4; ++u) {
      float dx = 0, dy = 0;
      for (int c = 0; c < t.channels; ++c) {
        const float* p = t.image + plane * c + static_cast<std::size_t>(v) * t.width + u;
        dx += u + 1 < t.width ? p[1] - p[0] : 0;
        dy += v + 1 < t.height ? p[t.width] - p[0] : 0;
      }
      total += sqrtf(sum(product(dx, dx), product(dy, dy)));
    }
  }
  return total / 16;
}

/// A thread per candidate.
__global__ void drawKernel(SampleTask t) {
  const int k = static_cast<int>(blockIdx.x) * kThreads + static_cast<int>(threadIdx.x);
  if (k >= t.candidates) return;
  const int x = t.area.left + below(draw(t.start, 2 * k), t.area.right - t.area.left + 1);
  const int y = t.area.top + below(draw(t.start, 2 * k + 1), t.area.bottom - t.area.top + 1);
  t.candidateCell[k] = y * t.gridWidth + x;
  t.candidateGradient[k] = k < t.uniform ? 0 : cellGradient(t, x, y);
}

/// Place of candidate k >= uniform when all of them stand by falling gradient, equal ones in the order in which they were drawn.
__device__ int rankOf(const SampleTask& t, int k) {
  const float own = t.candidateGradient[k];
  int rank = 0;
  for (int other = t.uniform; other < t.candidates; ++other) {
    const float gradient = t.candidateGradient[other];
    rank += gradient > own || (gradient == own && other < k);
  }
  return rank;
}

__device__ std::uint8_t intensity(const SampleTask& t, float normalised) {
  return static_cast<std::uint8_t>(fminf(fmaxf((normalised - t.offset) / t.scale + 0.5f, 0.f), 255.f));
}

/// A thread per candidate writes the patch it becomes, if any.
__global__ void chooseKernel(SampleTask t) {
  const int k = static_cast<int>(blockIdx.x) * kThreads + static_cast<int>(threadIdx.x);
  if (k >= t.candidates) return;
  const int patch = k < t.uniform ? k : t.uniform + rankOf(t, k);
  if (patch >= t.patches) return;
  const int cell = t.candidateCell[k], x = cell % t.gridWidth, y = cell / t.gridWidth;
  t.cells[patch] = cell;
  t.patchX[patch] = static_cast<float>(x);
  t.patchY[patch] = static_cast<float>(y);
  t.patchDepth[patch] = t.inverseDepth >= 0 ? t.inverseDepth : uniform(draw(t.start, 2 * t.candidates + patch));
  const std::size_t plane = static_cast<std::size_t>(t.width) * t.height, pixel = static_cast<std::size_t>(4 * y + 2) * t.width + 4 * x + 2;
  for (int c = 0; c < 3; ++c) t.colors[3 * patch + c] = intensity(t, t.image[(t.channels == 3 ? plane * (2 - c) : 0) + pixel]);
}

}  // namespace

void samplePatches(DeviceState& state, int slot, std::uint64_t seed, std::uint64_t sequence, Selection selection, float inverseDepth, const CellArea& area,
                   cudaStream_t stream) {
  const Options& o = state.options;
  const std::size_t base = static_cast<std::size_t>(slot) * state.patchStride;
  SampleTask t{};
  t.image = state.image.data();
  t.channels = o.channels;
  t.width = o.width;
  t.height = o.height;
  t.gridWidth = state.gridWidth;
  t.scale = o.scale;
  t.offset = o.offset;
  t.area = area;
  t.start = frameStart(seed, sequence);
  t.patches = o.patches;
  t.uniform = uniformPatches(selection, o.patches);
  t.candidates = t.uniform + kCandidatesPerPatch * (o.patches - t.uniform);
  t.inverseDepth = inverseDepth;
  t.candidateCell = state.candidateCell.data();
  t.candidateGradient = state.candidateGradient.data();
  t.cells = state.cells.data();
  t.patchX = state.patchX.data() + base;
  t.patchY = state.patchY.data() + base;
  t.patchDepth = state.inverseDepth.data() + base;
  t.colors = state.colors.data() + static_cast<std::size_t>(slot) * o.patches * 3;
  const Shape shape{.blocksX = blocksFor(t.candidates, kThreads), .threads = kThreads};
  launch("samplePatches: draw", drawKernel, shape, stream, t);
  launch("samplePatches: choose", chooseKernel, shape, stream, t);
}

}  // namespace qpvo::cuda
