// SPDX-License-Identifier: MIT
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

// How the work of a convolution is cut up, as the host (launches, sizes of buffers) and the kernels must agree on it.

namespace qpvo::cuda::network::conv {

constexpr int kChannelStep = 16;  ///< channels in memory are a multiple of this
constexpr int kChunkBytes = 16;   ///< what a tile is read in: 16 bytes, 8 halves or 4 floats, of one tap

__host__ __device__ constexpr int paddedChannels(int channels) { return (channels + kChannelStep - 1) / kChannelStep * kChannelStep; }

/// Elements of an activation: bytes count steps.
enum class Form { bytes, halves, floats };
__host__ __device__ constexpr int formBytes(Form form) { return form == Form::bytes ? 1 : form == Form::halves ? 2 : 4; }

/// How a convolution walks over its input. The stem has one tap a row: seven pixels of all channels, which follow each other.
struct Taps {
  int rows, columns;
  int groups;  ///< chunks of a tap

  __host__ __device__ constexpr int chunks() const { return rows * columns * groups; }
  __host__ __device__ constexpr int steps() const { return (chunks() + 1) / 2; }
};

/// Bytes from pixel to pixel of a tile: an odd number of chunks, so that neighbouring pixels lie in different banks of shared memory.
__host__ __device__ constexpr int pitchOf(int pixelBytes) { return pixelBytes / kChunkBytes % 2 == 0 ? pixelBytes + kChunkBytes : pixelBytes; }

// A block of a map pass has a tile of kTileWidth output pixels by some rows for each of its warps.
constexpr int kTileWidth = 16;
constexpr int kMapWarps = 4;

/// Products of 8 channels that a warp computes together: as many as divide the channels of a convolution and of the one beside it, so that a pixel is read few times.
constexpr int columnsOf(int outputs, int besideOutputs = 0) {
  const int pairs = outputs / kChannelStep, beside = besideOutputs / kChannelStep;
  return pairs % 4 == 0 && beside % 4 == 0 ? 8 : pairs % 2 == 0 && beside % 2 == 0 ? 4 : 2;
}

/// Rows of pixels that a warp computes together: with `columns`, at most 64 sums in a lane's registers; fewer where a row of outputs needs two of inputs.
constexpr int rowsOf(int columns, int stride) { return columns == 8 || stride == 2 ? 2 : 4; }

constexpr int tileRows(int outputs, int besideOutputs, int stride) { return kMapWarps * rowsOf(columnsOf(outputs, besideOutputs), stride); }
constexpr int kLeastTileRows = kMapWarps * 2, kStemTileRows = kMapWarps * 2;

__host__ __device__ constexpr int tilesAcross(int length, int size) { return (length + size - 1) / size; }

/// Bytes of the moments of the warps of a block: count, mean and squares.
__host__ __device__ constexpr int momentsBytes(int columns) { return kMapWarps * columns * 8 * 3 * static_cast<int>(sizeof(float)); }

/// Dynamic shared memory of a block of a map pass: its tile, the offsets of both convolutions, moments.
constexpr std::size_t mapSharedBytes(int rows, const Taps& taps, const Taps& beside, int stride, int columns, int pixelBytes) {
  const int tile = ((rows - 1) * stride + taps.rows) * ((kTileWidth - 1) * stride + taps.columns) * pitchOf(pixelBytes);
  return tile + 2 * (taps.steps() + beside.steps()) * sizeof(int) + momentsBytes(columns);
}

/// Whether a warp computes four products of 8 channels of a square together and not two. Few, so that small squares have work for all warps.
constexpr bool isWide(int outputs) { return outputs / kChannelStep % 2 == 0; }

/// Dynamic shared memory of a block that convolves the square of a cell.
constexpr std::size_t cellSharedBytes(int inputSide, const Taps& taps, int pixelBytes) {
  return static_cast<std::size_t>(inputSide) * inputSide * pitchOf(pixelBytes) + 2 * taps.steps() * sizeof(int);
}

}  // namespace qpvo::cuda::network::conv
