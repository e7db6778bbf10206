// SPDX-License-Identifier: MIT
#include "qpvo/byte_maps.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "simd/byte_dispatch.hpp"

namespace qpvo {

namespace {

constexpr float kGreatest = 127;

/// 1 for a map of zeros, or one that holds no finite peak.
float scaleOf(const float* peaks, int channels) {
  const float peak = *std::max_element(peaks, peaks + channels);
  return peak > 0 && std::isfinite(peak) ? peak / kGreatest : 1;
}

}  // namespace

ByteMaps::Level::Level(const ByteMapSizes& s, int w, int h, int zero)
    : width(w),
      height(h),
      stride(w + 2 * kMapBorder),
      mapBytes(static_cast<std::size_t>(h + 2 * kMapBorder) * s.channels * stride),
      bytes(s.ringSlots * mapBytes),
      scales(s.ringSlots) {
  std::memset(bytes.data(), zero, bytes.size());
}

ByteMaps::ByteMaps(const std::string& instructionSet, const ByteMapSizes& s)
    : kernels_(simd::byteKernels().named(instructionSet)),
      sizes_(s),
      levels_{Level(s, s.width, s.height, kernels_.zero), Level(s, s.width / 4, s.height / 4, kernels_.zero)},
      patches_(static_cast<std::size_t>(s.ringSlots) * s.patches * kPatchPixels * s.channels),
      excess_(static_cast<std::size_t>(s.ringSlots) * s.patches * kPatchPixels),
      coarse_(static_cast<std::size_t>(s.channels) * levels_[1].height * levels_[1].width),
      peaks_(static_cast<std::size_t>(kLevels) * s.channels) {}

std::vector<std::string> ByteMaps::instructionSets() { return simd::byteKernels().names(); }

int ByteMaps::zero() const { return kernels_.zero; }

void ByteMaps::narrow(const float* values, int count, float scale, std::uint8_t* out) const { kernels_.narrow(values, count, 1 / scale, out); }

std::size_t ByteMaps::origin(int level, int slot) const {
  const Level& l = levels_[level];
  return slot * l.mapBytes + static_cast<std::size_t>(kMapBorder) * sizes_.channels * l.stride + 4 * kMapBorder;
}

void ByteMaps::pool(const float* plane, float* coarse) const {
  const int width = levels_[1].width;
  for (int y = 0; y < levels_[1].height; ++y) {
    float* out = coarse + static_cast<std::size_t>(y) * width;
    std::fill_n(out, width, 0.f);
    for (int v = 0; v < 4; ++v) {
      const float* in = plane + static_cast<std::size_t>(4 * y + v) * sizes_.width;
      for (int x = 0; x < width; ++x) out[x] += (in[4 * x] + in[4 * x + 1]) + (in[4 * x + 2] + in[4 * x + 3]);
    }
    for (int x = 0; x < width; ++x) out[x] *= 1.f / 16;
  }
}

void ByteMaps::store(int level, int slot, const float* values, ThreadPool& pool) {
  Level& l = levels_[level];
  const long plane = static_cast<long>(l.height) * l.width;
  const float scale = l.scales[slot] = scaleOf(peaks_.data() + static_cast<std::size_t>(level) * sizes_.channels, sizes_.channels);
  std::uint8_t* first = map(level, slot);
  pool.run(l.height, [&](int y, int) {
    kernels_.quantize({values + static_cast<long>(y) * l.width, plane, sizes_.channels, l.width, 1 / scale, first + static_cast<std::size_t>(y) * sizes_.channels * l.stride, l.stride});
  });
}

void ByteMaps::gather(int slot, int patch, int cell) {
  const int C = sizes_.channels, stride = levels_[0].stride;
  const std::size_t pixels = (static_cast<std::size_t>(slot) * sizes_.patches + patch) * kPatchPixels;
  for (int i = 0; i < kPatchPixels; ++i) {
    const int x = cell % sizes_.width + i % 3 - 1, y = cell / sizes_.width + i / 3 - 1;
    const std::uint8_t* in = map(0, slot) + static_cast<std::size_t>(y) * C * stride + 4 * x;
    std::int8_t* out = patches_.data() + (pixels + i) * C;
    std::int32_t sum = 0;
    for (int c = 0; c < C; ++c) {
      const int byte = in[static_cast<std::size_t>(c / 4) * 4 * stride + c % 4];
      out[c] = static_cast<std::int8_t>(byte - kernels_.zero);
      sum += out[c];
    }
    excess_[pixels + i] = kernels_.zero * sum;
  }
}

void ByteMaps::insert(int slot, const float* features, const std::int32_t* cells, ThreadPool& pool) {
  const long fine = static_cast<long>(sizes_.width) * sizes_.height, coarse = static_cast<long>(levels_[1].width) * levels_[1].height;
  pool.run(sizes_.channels, [&](int c, int) {
    this->pool(features + c * fine, coarse_.data() + c * coarse);
    peaks_[c] = kernels_.peak(features + c * fine, fine);
    peaks_[sizes_.channels + c] = kernels_.peak(coarse_.data() + c * coarse, coarse);
  });
  store(0, slot, features, pool);
  store(1, slot, coarse_.data(), pool);
  for (int k = 0; k < sizes_.patches; ++k) gather(slot, k, cells[k]);
}

void ByteMaps::correlate(int source, int patch, int target, int level, const float* x, const float* y, float* out) const {
  const Level& l = levels_[level];
  const std::size_t pixels = (static_cast<std::size_t>(source) * sizes_.patches + patch) * kPatchPixels;
  kernels_.correlate({patches_.data() + pixels * sizes_.channels, excess_.data() + pixels, map(level, target), l.height, l.width, l.stride, sizes_.channels,
                      levels_[0].scales[source] * l.scales[target], x, y, out});
}

}  // namespace qpvo
