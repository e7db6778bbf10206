// SPDX-License-Identifier: MIT
#include <cuda_fp16.h>

#include <climits>
#include <type_traits>

#include "cell_product.cuh"
#include "device/round.cuh"
#include "device/shared.cuh"
#include "device/warp.cuh"
#include "ops.hpp"
#include "reproject.cuh"
#include "runtime/launch.hpp"

namespace qpvo::cuda {

namespace {

constexpr int kWarps = 8;            ///< edges of a block, one per warp
constexpr int kBlocks = 2;           ///< of a multiprocessor, at least
constexpr int kReach = kWindow / 2;  ///< correlation radius
constexpr int kRaw = kWindow + 1;    ///< side of a pixel's raw window: one more for the bilinear blend
constexpr float kFar = 5;            ///< further out than this the whole window is outside
constexpr int kCells = 144;          ///< most cells of the common window of the nine pixels
constexpr int kRawStride = kCells + 4;
constexpr int kColumns = kPatchPixels * kWindow;

struct MapLevel {
  const void* cells;       ///< cell (0, 0) of slot 0
  std::size_t perSlot;     ///< elements
  int width, height, stride;
};

struct CorrelateTask {
  PairTables pairs;
  const PairMotion* motion;
  Lens lens;
  const float *patchX, *patchY, *inverseDepth;
  const void* patchFeatures;
  MapLevel levels[kLevels];
  const float* scale;      ///< [R][2]
  const std::int32_t* order;
  float* centre;
  void* correlation;
  int patches, patchStride, channels;
  CorrelationRows rows;
};

/// Where the nine pixels look: pixel p in lane p, nothing in the others.
struct Looks {
  int x, y;        ///< cell where the raw window begins
  float ax, ay;    ///< fractions
  bool reaches;    ///< whether the window touches the map
};

__device__ Looks lookAt(const MapLevel& level, float x, float y) {
  const float fx = floorf(x), fy = floorf(y);
  const bool reaches =
      laneIndex() < kPatchPixels && x > -kFar && y > -kFar && x < static_cast<float>(level.width) + kFar - 1 && y < static_cast<float>(level.height) + kFar - 1;
  if (!reaches) return {0, 0, 0, 0, false};  // also what is not finite
  return {static_cast<int>(fx) - kReach, static_cast<int>(fy) - kReach, x - fx, y - fy, true};
}

/// Cells [x, x + width) x [y, y + height).
struct CellBox {
  int x, y, width, height;
};

__device__ CellBox commonBox(const Looks& looks) {
  const int left = warpMin(looks.reaches ? looks.x : INT_MAX), top = warpMin(looks.reaches ? looks.y : INT_MAX);
  const int right = warpMax(looks.reaches ? looks.x : INT_MIN), bottom = warpMax(looks.reaches ? looks.y : INT_MIN);
  return left == INT_MAX ? CellBox{0, 0, 0, 0} : CellBox{left, top, right - left + kRaw, bottom - top + kRaw};
}

/// First word of the lane in the cell of its group, in the row-major order of the box; cells beyond the last repeat it.
template <int Words>
__device__ const unsigned* cellOf(const unsigned* map, const CellBox& box, int stride, int words, int first) {
  const int cell = min(first + laneIndex() / kLanesPerCell, box.width * box.height - 1);
  const int y = (cell * (65536 / box.width + 1)) >> 16, x = cell - y * box.width;  // exact below 4096 cells
  return map + (static_cast<long long>(box.y + y) * stride + box.x + x) * words + laneIndex() % kLanesPerCell * Words;
}

/// raw[pixel][cell] of all pixels with all cells of the box. patch, map: words of 32 bits; Pieces: of a cell, 0 = not known before.
template <class Map, int Words, int Pieces>
struct BoxProduct {
  static constexpr int kGroups = 4;  ///< of eight cells, whose loads are under way together
  const unsigned* patch;
  const unsigned* map;
  int stride, words, pieces;
  float scale;

  __device__ Piece<Words> pixel(int row, int piece) const {
    if (row >= kPatchPixels) return {};
    return loadPiece<Words>(patch + row * words + (piece * kLanesPerCell + laneIndex() % kLanesPerCell) * Words);
  }

  __device__ void run(const CellBox& box, float* raw) const {
    const int count = Pieces > 0 ? Pieces : pieces, row = laneIndex() / kLanesPerCell, cells = box.width * box.height;
    Piece<Words> low[Pieces > 0 ? Pieces : 1], high[Pieces > 0 ? Pieces : 1];
    if constexpr (Pieces > 0) {
#pragma unroll
      for (int i = 0; i < Pieces; ++i) {
        low[i] = pixel(row, i);
        high[i] = pixel(row + 8, i);
      }
    }
    for (int first = 0; first < cells; first += kGroups * kCellsAtOnce) {
      CellSums<Map> sums[kGroups];
      const unsigned* cell[kGroups];
#pragma unroll
      for (int j = 0; j < kGroups; ++j) cell[j] = cellOf<Words>(map, box, stride, words, first + j * kCellsAtOnce);
#pragma unroll
      for (int i = 0; i < count; ++i) {
        const Piece<Words> a = Pieces > 0 ? low[i % (Pieces > 0 ? Pieces : 1)] : pixel(row, i), b = Pieces > 0 ? high[i % (Pieces > 0 ? Pieces : 1)] : pixel(row + 8, i);
#pragma unroll
        for (int j = 0; j < kGroups; ++j) sums[j].add(a, b, loadPiece<Words>(cell[j] + i * kLanesPerCell * Words));
      }
#pragma unroll
      for (int j = 0; j < kGroups; ++j) {
        if (first + j * kCellsAtOnce < cells) sums[j].store(raw + first + j * kCellsAtOnce, kRawStride, scale);
      }
    }
  }
};

/// Floats on CUDA cores, for reference: a lane per cell, the patch from the cache.
template <int Words, int Pieces>
struct BoxProduct<float, Words, Pieces> {
  const unsigned* patch;
  const unsigned* map;
  int stride, words, pieces;
  float scale;

  __device__ void run(const CellBox& box, float* raw) const {
    const float4* pixels = reinterpret_cast<const float4*>(patch);
    const int vectors = words / 4, cells = box.width * box.height;
    for (int cell = laneIndex(); cell < cells; cell += kWarp) {
      const int y = cell / box.width, x = cell % box.width;
      const float4* in = reinterpret_cast<const float4*>(map + (static_cast<long long>(box.y + y) * stride + box.x + x) * words);
      float sums[kPatchPixels] = {};
      for (int i = 0; i < vectors; ++i) {
        const float4 c = in[i];
#pragma unroll
        for (int p = 0; p < kPatchPixels; ++p) {
          const float4 q = pixels[p * vectors + i];
          sums[p] += q.x * c.x + q.y * c.y + q.z * c.z + q.w * c.w;
        }
      }
#pragma unroll
      for (int p = 0; p < kPatchPixels; ++p) raw[p * kRawStride + cell] = sums[p];
    }
  }
};

/// perValue: of CorrelationRows, for bytes alone.
template <class Out>
__device__ __forceinline__ Out stored(float value, float perValue) {
  if constexpr (std::is_same_v<Out, float>) return value;
  if constexpr (std::is_same_v<Out, __half>) return __float2half_rn(value);
  if constexpr (std::is_same_v<Out, std::uint8_t>) return static_cast<std::uint8_t>(roundedWithin(value * perValue, -128, 127));
}

/// The columns [first, last) of outputs, (pixel, dx), a lane each: 8 raw rows blended across, then neighbours of them down.
template <class Out>
__device__ void blend(const Looks& looks, const CellBox& box, const float* raw, int first, int last, float perValue, Out* out) {
  const int column = first + laneIndex(), pixel = min(column, kColumns - 1) / kWindow, dx = column % kWindow;
  const int x = __shfl_sync(kAllLanes, looks.x, pixel), y = __shfl_sync(kAllLanes, looks.y, pixel);
  const float ax = __shfl_sync(kAllLanes, looks.ax, pixel), ay = __shfl_sync(kAllLanes, looks.ay, pixel);
  const bool reaches = __shfl_sync(kAllLanes, static_cast<int>(looks.reaches), pixel) != 0;
  if (column >= last) return;
  Out* to = out + pixel * kWindow * kWindow + dx;
  if (!reaches) {
#pragma unroll
    for (int dy = 0; dy < kWindow; ++dy) to[dy * kWindow] = stored<Out>(0, perValue);
    return;
  }
  const float* from = raw + pixel * kRawStride + (y - box.y) * box.width + x - box.x + dx;
  float above = from[0] + ax * (from[1] - from[0]);
#pragma unroll
  for (int dy = 0; dy < kWindow; ++dy) {
    from += box.width;
    const float below = from[0] + ax * (from[1] - from[0]);
    to[dy * kWindow] = stored<Out>(above + ay * (below - above), perValue);
    above = below;
  }
}

/// One level: the common window of the nine pixels at once, or when they look too far apart the window of each.
template <class Product, class Out>
__device__ void correlateLevel(const Product& product, const Looks& looks, float* raw, float perValue, Out* out) {
  const CellBox common = commonBox(looks);
  if (common.width * common.height <= kCells) {
    product.run(common, raw);
    __syncwarp();
    for (int first = 0; first < kColumns; first += kWarp) blend(looks, common, raw, first, kColumns, perValue, out);
    __syncwarp();
    return;
  }
  for (int pixel = 0; pixel < kPatchPixels; ++pixel) {
    const CellBox own{__shfl_sync(kAllLanes, looks.x, pixel), __shfl_sync(kAllLanes, looks.y, pixel), kRaw, kRaw};
    const bool reaches = __shfl_sync(kAllLanes, static_cast<int>(looks.reaches), pixel) != 0;
    if (reaches) product.run(own, raw);
    __syncwarp();
    blend(looks, own, raw, pixel * kWindow, (pixel + 1) * kWindow, perValue, out);
    __syncwarp();
  }
}

template <class Out>
inline constexpr int kPerVector = 16 / static_cast<int>(sizeof(Out));

/// Elements of a row in shared memory: whole vectors.
template <class Out>
inline constexpr int kRow = (kCorrelationDim + kPerVector<Out> - 1) / kPerVector<Out> * kPerVector<Out>;

/// The row of one edge from shared memory, in the widest words that its stride allows.
template <class Out>
__device__ void storeRow(const Out* row, Out* to, int stride) {
  constexpr int kPerWord = 4 / sizeof(Out);
  if (sizeof(Out) == 1 || stride % kPerVector<Out> == 0) {
    for (int i = laneIndex(); i < kRow<Out> / kPerVector<Out>; i += kWarp) reinterpret_cast<uint4*>(to)[i] = reinterpret_cast<const uint4*>(row)[i];
  } else {
    for (int i = laneIndex(); i < kCorrelationDim / kPerWord; i += kWarp) reinterpret_cast<unsigned*>(to)[i] = reinterpret_cast<const unsigned*>(row)[i];
  }
}

/// Of one warp.
template <class Out>
struct Scratch {
  float raw[kPatchPixels * kRawStride];
  alignas(16) unsigned char row[kRow<Out> * sizeof(Out)];
};

/// A warp per edge; neighbours in the order look at the same cells, which the first-level cache then has.
template <class Map, class Out, int Words, int Pieces>
__global__ void __launch_bounds__(kWarps* kWarp, kBlocks) correlateKernel(CorrelateTask t) {
  const int place = static_cast<int>(blockIdx.x) * kWarps + warpIndex();
  if (place >= *t.pairs.count * t.patches) return;  // no barrier of the block follows
  const int index = t.order[place], p = index / t.patches, k = index % t.patches, source = t.pairs.source[p], target = t.pairs.target[p];
  const std::size_t edge = index, patch = static_cast<std::size_t>(source) * t.patchStride + k;
  const int pixel = min(laneIndex(), kPatchPixels - 1);
  float x, y;
  project(t.lens, t.motion[p], t.patchX[patch] + static_cast<float>(pixel % 3 - 1), t.patchY[patch] + static_cast<float>(pixel / 3 - 1), t.inverseDepth[patch], x, y);
  if (laneIndex() == kPatchPixels / 2) {
    t.centre[2 * edge] = x;
    t.centre[2 * edge + 1] = y;
  }
  const int words = t.channels * static_cast<int>(sizeof(Map)) / 4;
  Scratch<Out>& scratch = dynamicShared<Scratch<Out>>()[warpIndex()];
  Out* row = reinterpret_cast<Out*>(scratch.row);
  for (int i = kCorrelationDim + laneIndex(); i < kRow<Out>; i += kWarp) row[i] = stored<Out>(0, t.rows.perValue);
  for (int level = 0; level < kLevels; ++level) {
    const MapLevel& map = t.levels[level];
    const BoxProduct<Map, Words, Pieces> product{
        reinterpret_cast<const unsigned*>(t.patchFeatures) + (static_cast<std::size_t>(source) * t.patches + k) * kPatchPixels * words,
        reinterpret_cast<const unsigned*>(reinterpret_cast<const Map*>(map.cells) + target * map.perSlot),
        map.stride,
        words,
        words / (kLanesPerCell * Words),
        t.scale[2 * source] * t.scale[2 * target + level]};
    correlateLevel(product, lookAt(map, x, y), scratch.raw, t.rows.perValue, row + level * kPatchPixels * kWindow * kWindow);
    x *= 0.25f;
    y *= 0.25f;
  }
  storeRow(row, reinterpret_cast<Out*>(t.correlation) + edge * t.rows.stride, t.rows.stride);
}

using Kernel = void (*)(CorrelateTask);

/// The kernel for a width: that of the models (128 and 64 channels) keeps the patch in registers.
template <class Map, class Out>
Kernel kernelFor(int channels) {
  const int words = channels * static_cast<int>(sizeof(Map)) / 4;
  if constexpr (std::is_same_v<Map, float>) return correlateKernel<float, Out, 4, 0>;
  if constexpr (!std::is_same_v<Map, float>) {
    constexpr int kPieces128 = 128 * static_cast<int>(sizeof(Map)) / 64;
    if (channels == 128) return correlateKernel<Map, Out, 4, kPieces128>;
    if (channels == 64) return correlateKernel<Map, Out, 4, kPieces128 / 2>;
    if (words % 16 == 0) return correlateKernel<Map, Out, 4, 0>;
    if constexpr (std::is_same_v<Map, std::int8_t>) {
      if (words % 8 != 0) return correlateKernel<Map, Out, 1, 0>;
    }
    return correlateKernel<Map, Out, 2, 0>;
  }
}

template <class Map>
Kernel kernelFor(const DeviceState& state) {
  const int channels = state.options.featureDim;
  switch (state.types.correlation.type) {
    case Precision::fp32:
      return kernelFor<Map, float>(channels);
    case Precision::fp16:
      return kernelFor<Map, __half>(channels);
    default:
      return kernelFor<Map, std::uint8_t>(channels);
  }
}

Kernel kernelFor(const DeviceState& state) {
  switch (state.types.maps) {
    case Precision::fp32:
      return kernelFor<float>(state);
    case Precision::fp16:
      return kernelFor<__half>(state);
    default:
      return kernelFor<std::int8_t>(state);
  }
}

std::size_t scratchBytes(Precision rows) {
  switch (rows) {
    case Precision::fp32:
      return sizeof(Scratch<float>);
    case Precision::fp16:
      return sizeof(Scratch<__half>);
    default:
      return sizeof(Scratch<std::uint8_t>);
  }
}

MapLevel levelOf(const DeviceBuffer<std::byte>& maps, const DeviceState& state, int width, int height) {
  const int C = state.options.featureDim, stride = width + 2 * kMapBorder;
  const std::size_t origin = (static_cast<std::size_t>(stride) + 1) * kMapBorder * C;
  return {maps.data() + origin * mapBytes(state.types.maps), mapElements(width, height, C), width, height, stride};
}

}  // namespace

void correlate(DeviceState& state, cudaStream_t stream) {
  const Options& o = state.options;
  relateFrames(state, stream);
  orderEdges(state, stream);
  const CorrelateTask task{state.pairs(),
                           state.pairMotion.data(),
                           lensOf(o),
                           state.patchX.data(),
                           state.patchY.data(),
                           state.inverseDepth.data(),
                           state.patchFeatures.data(),
                           {levelOf(state.fineMaps, state, state.gridWidth, state.gridHeight), levelOf(state.coarseMaps, state, state.coarseWidth, state.coarseHeight)},
                           state.mapScale.data(),
                           state.edgeOrder.data(),
                           state.centre.data(),
                           state.correlation.data(),
                           o.patches,
                           state.patchStride,
                           o.featureDim,
                           state.types.correlation};
  const Shape shape{
      .blocksX = blocksFor(static_cast<std::size_t>(o.maxPairs) * o.patches, kWarps), .threads = kWarps * kWarp, .sharedBytes = kWarps * scratchBytes(state.types.correlation.type)};
  launch("correlate", kernelFor(state), shape, stream, task);
}

}  // namespace qpvo::cuda
