// SPDX-License-Identifier: MIT
#pragma once

#include "conv_elements.cuh"
#include "device/warp.cuh"

// A tile of the input of a convolution in shared memory, [rows][columns] pixels, zero outside of the map.

namespace qpvo::cuda::network::conv {

/// Of a map, from pixel (left, top) on.
struct Window {
  int left, top, columns, rows;
};

constexpr int kRunChannels = 8;  ///< that a lane normalises together

/// Scale and offset of a run of channels.
struct RunNorm {
  float scale[kRunChannels], offset[kRunChannels];

  __device__ __forceinline__ void read(const float* scales, const float* offsets, int channel) {
    load(scale, scales + channel);
    load(offset, offsets + channel);
  }
  __device__ __forceinline__ float of(float sum, int i) const { return fmaf(sum, scale[i], offset[i]); }
};

/// Input `x` of MapInput at a run of channels of a pixel.
template <class Sum>
__device__ __forceinline__ void loadInput(float (&x)[kRunChannels], const MapInput& input, const RunNorm& norm, const RunNorm& projectedNorm, std::size_t at) {
  load(x, static_cast<const Sum*>(input.sums) + at);
#pragma unroll
  for (int i = 0; i < kRunChannels; ++i) x[i] = fmaxf(0.f, norm.of(x[i], i));
  float shortcut[kRunChannels];
  if (input.kept != nullptr) {
    loadForm(shortcut, input.kept, input.keptForm, at, input.keptStep);
  } else if (input.projected != nullptr) {
    load(shortcut, static_cast<const Sum*>(input.projected) + at);
#pragma unroll
    for (int i = 0; i < kRunChannels; ++i) shortcut[i] = projectedNorm.of(shortcut[i], i);
  } else {
    return;
  }
#pragma unroll
  for (int i = 0; i < kRunChannels; ++i) x[i] = fmaxf(0.f, x[i] + shortcut[i]);
}

/// A window of a map; the pixels in `own`, which no other block has as its own, are kept for the shortcut if the input asks for that. A warp fills whole rows; a lane
/// stays with its channels, as many lanes as fit beside each other take neighbouring pixels.
template <class Element, class Sum>
__device__ __forceinline__ void fillMap(unsigned char* tile, int pitch, const Window& window, const Window& own, const MapInput& input) {
  const int runs = input.channels / kRunChannels, warps = static_cast<int>(blockDim.x) / kWarp, lane = laneIndex();
  const int lanes = runs < kWarp ? runs : kWarp, pixels = kWarp / lanes, firstColumn = lane / lanes;
  if (firstColumn >= pixels) return;
  for (int run = lane % lanes; run < runs; run += lanes) {
    const int channel = run * kRunChannels;
    RunNorm norm, projectedNorm;
    norm.read(input.scale, input.offset, channel);
    if (input.projected != nullptr) projectedNorm.read(input.projectedScale, input.projectedOffset, channel);
    for (int row = warpIndex(); row < window.rows; row += warps) {
      const int y = window.top + row;
      const bool rowInside = y >= 0 && y < input.height, rowOwn = input.keep != nullptr && y >= own.top && y < own.top + own.rows;
#pragma unroll 2
      for (int column = firstColumn; column < window.columns; column += pixels) {
        const int x = window.left + column;
        float v[kRunChannels] = {};
        if (rowInside && x >= 0 && x < input.width) {
          const std::size_t at = (static_cast<std::size_t>(y) * input.width + x) * input.channels + channel;
          loadInput<Sum>(v, input, norm, projectedNorm, at);
          toElement<Element>(v, input.inverseStep);
          if (rowOwn && x >= own.left && x < own.left + own.columns) store(static_cast<Element*>(input.keep) + at, v);
        }
        store(reinterpret_cast<Element*>(tile + (row * window.columns + column) * pitch) + channel, v);
      }
    }
  }
}

constexpr int kImageSpareBytes = 64;  ///< behind the tile of an image, read by its last position

/// A window of an image, interleaved, and zeros behind it.
template <class Element>
__device__ __forceinline__ void fillImage(unsigned char* tile, const Window& window, const Image& image) {
  Element* out = reinterpret_cast<Element*>(tile);
  const int warps = static_cast<int>(blockDim.x) / kWarp;
  for (int line = warpIndex(); line < window.rows * image.channels; line += warps) {
    const int row = line / image.channels, channel = line % image.channels, y = window.top + row;
    const float* from = image.data + (static_cast<std::size_t>(channel) * image.height + y) * image.width;
    for (int column = laneIndex(); column < window.columns; column += kWarp) {
      const int x = window.left + column;
      const bool inside = x >= 0 && x < image.width && y >= 0 && y < image.height;
      storeOne(out + (static_cast<std::size_t>(row) * window.columns + column) * image.channels + channel, inside ? from[x] : 0.f);
    }
  }
  const int count = window.rows * window.columns * image.channels;
  for (int i = static_cast<int>(threadIdx.x); i < kImageSpareBytes / static_cast<int>(sizeof(Element)); i += static_cast<int>(blockDim.x)) storeOne(out + count + i, 0.f);
}

}  // namespace qpvo::cuda::network::conv
