// SPDX-License-Identifier: MIT
#include <string>

#include "qpvo/error.hpp"
#include "qpvo/ops.hpp"

namespace qpvo {

namespace {

/// One output row; the map names the top-left of four recorded pixels, fractions are in 1/256, so the sum of a sample is intensity * 65536.
/// One recorded channel fills all planes.
template <int Channels>
void prepareRow(const State& state, const ImageView& in, int y, float* image) {
  const Options& o = state.options;
  const std::size_t plane = static_cast<std::size_t>(o.width) * o.height;
  const float scale = o.scale / (65536.f * static_cast<float>(o.supersamples));
  std::size_t sample = static_cast<std::size_t>(y) * o.width * o.supersamples;
  for (int x = 0; x < o.width; ++x) {
    std::int64_t sum[Channels] = {};
    for (int s = 0; s < o.supersamples; ++s, ++sample) {
      const std::int32_t pixel = state.mapPixel[sample];
      if (pixel < 0) continue;
      const std::int32_t fx = state.mapFraction[2 * sample], fy = state.mapFraction[2 * sample + 1];
      const std::uint8_t* p = in.data + static_cast<std::size_t>(pixel / o.recordedWidth) * in.step + static_cast<std::size_t>(pixel % o.recordedWidth) * Channels;
      for (int c = 0; c < Channels; ++c) {
        const std::int32_t top = p[c] * (256 - fx) + p[c + Channels] * fx;
        const std::int32_t bottom = p[in.step + c] * (256 - fx) + p[in.step + c + Channels] * fx;
        sum[c] += top * (256 - fy) + bottom * fy;
      }
    }
    for (int first = 0; first < o.channels; first += Channels) {
      for (int c = 0; c < Channels; ++c) image[plane * (first + c) + static_cast<std::size_t>(y) * o.width + x] = static_cast<float>(sum[c]) * scale + o.offset;
    }
  }
}

}  // namespace

void prepareImage(State& state, const ImageView& in) {
  const Options& o = state.options;
  if (in.width != o.recordedWidth || in.height != o.recordedHeight || (in.channels != o.channels && in.channels != 1)) {
    throw Error("QPVO_IMAGE_SIZE", "image of another size: expected " + std::to_string(o.recordedWidth) + "x" + std::to_string(o.recordedHeight) + " with " +
                                       std::to_string(o.channels) + " channels, but received " + std::to_string(in.width) + "x" + std::to_string(in.height) +
                                       " with " + std::to_string(in.channels) + ".");
  }
  state.pool.run(o.height, [&](int y, int) {
    if (in.channels == 1) {
      prepareRow<1>(state, in, y, state.image.data());
    } else {
      prepareRow<3>(state, in, y, state.image.data());
    }
  });
}

}  // namespace qpvo
