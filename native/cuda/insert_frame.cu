// SPDX-License-Identifier: MIT
#include <type_traits>

#include "device/warp.cuh"
#include "map_value.cuh"
#include "ops.hpp"
#include "runtime/launch.hpp"

namespace qpvo::cuda {

namespace {

constexpr int kThreads = 128;
constexpr int kSide = 4;  ///< cells of the fine map to one of the coarse map, each way

template <class Feature, class Map>
struct InsertTask {
  const Feature* features;  ///< [h][w][C]
  Map *fine, *coarse;       ///< cell (0, 0) of the slot's maps
  Map* patches;             ///< [M][9][C] of the slot
  const std::int32_t* cells;
  const float* context;
  float* contextOut;        ///< [M][D] of the slot
  std::int32_t* peak;       ///< [2]
  float* scale;             ///< [2] of the slot
  int channels, hidden, gridWidth, coarseWidth, coarseHeight, fineStride, coarseStride;
};

template <class Map>
__device__ float stepsPerUnit(const std::int32_t* peak) {
  if constexpr (!std::is_same_v<Map, std::int8_t>) return 1;
  const float most = __int_as_float(*peak);
  return most > 0 ? kByteSteps / most : 0.f;
}

__device__ float largest(const Channels& c) {
  float most = 0;
#pragma unroll
  for (int i = 0; i < kVector; ++i) most = fmaxf(most, fabsf(c.x[i]));
  return most;
}

/// visit(cell x, cell y, channels) of the 16 fine cells under a coarse one. Returns their mean.
template <class Feature, class Map, class Visit>
__device__ Channels poolCells(const InsertTask<Feature, Map>& t, int x, int y, int channel, const Visit& visit) {
  Channels mean{};
  for (int v = kSide * y; v < kSide * (y + 1); ++v) {
    for (int u = kSide * x; u < kSide * (x + 1); ++u) {
      const Channels c = loadChannels(t.features + (static_cast<std::size_t>(v) * t.gridWidth + u) * t.channels + channel);
      visit(u, v, c);
#pragma unroll
      for (int i = 0; i < kVector; ++i) mean.x[i] += c.x[i];
    }
  }
#pragma unroll
  for (int i = 0; i < kVector; ++i) mean.x[i] *= 1.f / (kSide * kSide);
  return mean;
}

/// Coarse cell and channel of the thread; false beyond the last.
template <class Task>
__device__ bool place(const Task& t, int& x, int& y, int& channel) {
  const int vectors = t.channels / kVector, i = static_cast<int>(blockIdx.x) * kThreads + static_cast<int>(threadIdx.x);
  channel = i % vectors * kVector;
  x = i / vectors % t.coarseWidth;
  y = i / vectors / t.coarseWidth;
  return y < t.coarseHeight;
}

/// The largest magnitudes of both maps. Magnitudes are positive, so their bits order as integers, and the order of the atomics does not matter.
template <class Feature, class Map>
__global__ void peakKernel(InsertTask<Feature, Map> t) {
  __shared__ float warps[kWarp];
  int x, y, channel;
  float fine = 0, coarse = 0;
  if (place(t, x, y, channel)) coarse = largest(poolCells(t, x, y, channel, [&](int, int, const Channels& c) { fine = fmaxf(fine, largest(c)); }));
  fine = blockMax<kThreads>(fine, warps);
  coarse = blockMax<kThreads>(coarse, warps);
  if (threadIdx.x != 0) return;
  atomicMax(t.peak, __float_as_int(fine));
  atomicMax(t.peak + 1, __float_as_int(coarse));
}

template <class Feature, class Map>
__global__ void storeKernel(InsertTask<Feature, Map> t) {
  int x, y, channel;
  if (!place(t, x, y, channel)) return;
  const float perFine = stepsPerUnit<Map>(t.peak), perCoarse = stepsPerUnit<Map>(t.peak + 1);
  const Channels mean = poolCells(t, x, y, channel, [&](int u, int v, const Channels& c) {
    storeChannels(t.fine + (static_cast<std::size_t>(v) * t.fineStride + u) * t.channels + channel, c, perFine);
  });
  storeChannels(t.coarse + (static_cast<std::size_t>(y) * t.coarseStride + x) * t.channels + channel, mean, perCoarse);
}

/// A block per patch: its nine pixels, its context.
template <class Feature, class Map>
__global__ void patchKernel(InsertTask<Feature, Map> t) {
  const int patch = static_cast<int>(blockIdx.x), vectors = t.channels / kVector;
  const int cell = t.cells[patch], x = cell % t.gridWidth, y = cell / t.gridWidth;
  const float perFine = stepsPerUnit<Map>(t.peak);
  for (int i = static_cast<int>(threadIdx.x); i < kPatchPixels * vectors; i += kThreads) {
    const int pixel = i / vectors, channel = i % vectors * kVector, u = x + pixel % 3 - 1, v = y + pixel / 3 - 1;
    const Channels c = loadChannels(t.features + (static_cast<std::size_t>(v) * t.gridWidth + u) * t.channels + channel);
    storeChannels(t.patches + (static_cast<std::size_t>(patch) * kPatchPixels + pixel) * t.channels + channel, c, perFine);
  }
  const std::size_t context = static_cast<std::size_t>(patch) * t.hidden;
  for (int i = static_cast<int>(threadIdx.x); i < t.hidden; i += kThreads) t.contextOut[context + i] = t.context[context + i];
  if (std::is_same_v<Map, std::int8_t> && patch == 0 && threadIdx.x < 2) t.scale[threadIdx.x] = __int_as_float(t.peak[threadIdx.x]) / kByteSteps;
}

template <class Feature, class Map>
void insert(DeviceState& state, int slot, cudaStream_t stream) {
  const Options& o = state.options;
  const std::size_t s = static_cast<std::size_t>(slot), frame = s * o.patches;
  const std::size_t fineOrigin =
      s * mapElements(state.gridWidth, state.gridHeight, o.featureDim) + (static_cast<std::size_t>(state.fineStride()) + 1) * kMapBorder * o.featureDim;
  const std::size_t coarseOrigin =
      s * mapElements(state.coarseWidth, state.coarseHeight, o.featureDim) + (static_cast<std::size_t>(state.coarseStride()) + 1) * kMapBorder * o.featureDim;
  const InsertTask<Feature, Map> task{reinterpret_cast<const Feature*>(state.features.data()),
                                      reinterpret_cast<Map*>(state.fineMaps.data()) + fineOrigin,
                                      reinterpret_cast<Map*>(state.coarseMaps.data()) + coarseOrigin,
                                      reinterpret_cast<Map*>(state.patchFeatures.data()) + frame * kPatchPixels * o.featureDim,
                                      state.cells.data(),
                                      state.context.data(),
                                      state.contextRing.data() + frame * o.hiddenDim,
                                      state.mapPeak.data(),
                                      state.mapScale.data() + 2 * s,
                                      o.featureDim,
                                      o.hiddenDim,
                                      state.gridWidth,
                                      state.coarseWidth,
                                      state.coarseHeight,
                                      state.fineStride(),
                                      state.coarseStride()};
  const std::size_t vectors = static_cast<std::size_t>(state.coarseWidth) * state.coarseHeight * (o.featureDim / kVector);
  const Shape overMap{.blocksX = blocksFor(vectors, kThreads), .threads = kThreads};
  if constexpr (std::is_same_v<Map, std::int8_t>) {
    state.mapPeak.zero(stream);
    launch("insertFrame: peak", peakKernel<Feature, Map>, overMap, stream, task);
  }
  launch("insertFrame: maps", storeKernel<Feature, Map>, overMap, stream, task);
  launch("insertFrame: patches", patchKernel<Feature, Map>, {.blocksX = static_cast<unsigned>(o.patches), .threads = kThreads}, stream, task);
}

template <class Feature>
void insertFrom(DeviceState& state, int slot, cudaStream_t stream) {
  switch (state.types.maps) {
    case Precision::fp32:
      return insert<Feature, float>(state, slot, stream);
    case Precision::fp16:
      return insert<Feature, __half>(state, slot, stream);
    case Precision::int8:
      return insert<Feature, std::int8_t>(state, slot, stream);
  }
}

}  // namespace

void insertFrame(DeviceState& state, int slot, cudaStream_t stream) {
  if (state.types.features == Precision::fp32) {
    insertFrom<float>(state, slot, stream);
  } else {
    insertFrom<__half>(state, slot, stream);
  }
}

}  // namespace qpvo::cuda
