// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "qpvo/aligned_buffer.hpp"
#include "qpvo/correlation_shape.hpp"
#include "qpvo/thread_pool.hpp"

namespace qpvo {

namespace simd {
struct ByteKernels;
}

struct ByteMapSizes {
  int channels;       ///< C, multiple of 16
  int width, height;  ///< w, h of the grid
  int ringSlots, patches;
};

/// Feature maps and patches of the frames in int8: q = round(x / scale), with a scale for each map, its greatest magnitude / 127. Patches have the scale of the map they are of.
class ByteMaps {
 public:
  /// @throws Error QPVO_INTERNAL for an instruction set that this processor does not run
  ByteMaps(const std::string& instructionSet, const ByteMapSizes& sizes);

  /// The names that this processor can run, best first.
  static std::vector<std::string> instructionSets();

  /// The stored byte of the value 0.
  int zero() const;

  /// Stores a frame. features: [C][h][w]; cells: [M] y * w + x of the centroids.
  void insert(int slot, const float* features, const std::int32_t* cells, ThreadPool& pool);

  /// One patch of slot `source` against a level of slot `target`; x, y: [9] pixels of that level; out: [9][7][7], in the unit of products of features.
  void correlate(int source, int patch, int target, int level, const float* x, const float* y, float* out) const;

  /// out = round(x / scale), half to even, within -128..127, plus zero().
  void narrow(const float* values, int count, float scale, std::uint8_t* out) const;

 private:
  /// Maps of one level of the pyramid.
  struct Level {
    int width, height, stride;   ///< stride: pixels from group to group of four channels
    std::size_t mapBytes;
    AlignedBuffer<std::uint8_t> bytes;  ///< [R][h + 2 border][C / 4][stride][4]
    AlignedBuffer<float> scales;        ///< [R]

    Level(const ByteMapSizes& sizes, int width, int height, int zero);
  };

  /// Pixel (0, 0) of a map.
  std::uint8_t* map(int level, int slot) { return levels_[level].bytes.data() + origin(level, slot); }
  const std::uint8_t* map(int level, int slot) const { return levels_[level].bytes.data() + origin(level, slot); }
  std::size_t origin(int level, int slot) const;
  /// Mean of 4 x 4 cells of one channel.
  void pool(const float* plane, float* coarse) const;
  void store(int level, int slot, const float* values, ThreadPool& pool);
  void gather(int slot, int patch, int cell);

  const simd::ByteKernels& kernels_;
  ByteMapSizes sizes_;
  Level levels_[kLevels];
  AlignedBuffer<std::int8_t> patches_;    ///< [R][M][9][C]
  AlignedBuffer<std::int32_t> excess_;    ///< [R][M][9] ByteKernels::zero times the sum over the channels
  AlignedBuffer<float> coarse_;           ///< [C][h / 4][w / 4] of the frame that is stored
  AlignedBuffer<float> peaks_;            ///< [levels][C] greatest magnitudes of that frame
};

}  // namespace qpvo
