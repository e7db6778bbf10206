// SPDX-License-Identifier: MIT
#include <string>

#include "exact.cuh"
#include "ops.hpp"
#include "qpvo/error.hpp"
#include "runtime/launch.hpp"

namespace qpvo::cuda {

namespace {

constexpr int kThreads = 256;

struct PrepareTask {
  const std::uint8_t* recorded;  ///< rows without gaps
  const std::int32_t* mapPixel;
  const std::uint16_t* mapFraction;
  float* image;
  int pixels, planes, recordedWidth, supersamples;
  float scale, offset;
};

/// A thread per output pixel. The map names the top-left of four recorded pixels, fractions are in 1/256, so the sum of a sample is intensity * 65536 and 64 samples fit
/// 31 bits. One recorded channel fills all planes.
template <int Channels>
__global__ void prepareKernel(PrepareTask t) {
  const int i = static_cast<int>(blockIdx.x) * kThreads + static_cast<int>(threadIdx.x);
  if (i >= t.pixels) return;
  int total[Channels] = {};
  const int step = t.recordedWidth * Channels;
  for (int s = 0; s < t.supersamples; ++s) {
    const std::size_t sample = static_cast<std::size_t>(i) * t.supersamples + s;
    const std::int32_t pixel = t.mapPixel[sample];
    if (pixel < 0) continue;
    const ushort2 fraction = reinterpret_cast<const ushort2*>(t.mapFraction)[sample];
    const int fx = fraction.x, fy = fraction.y;
    const std::uint8_t* p = t.recorded + static_cast<std::size_t>(pixel) * Channels;
    for (int c = 0; c < Channels; ++c) {
      const int top = p[c] * (256 - fx) + p[c + Channels] * fx;
      const int bottom = p[step + c] * (256 - fx) + p[step + c + Channels] * fx;
      total[c] += top * (256 - fy) + bottom * fy;
    }
  }
  for (int plane = 0; plane < t.planes; plane += Channels) {
    for (int c = 0; c < Channels; ++c) {
      t.image[static_cast<std::size_t>(plane + c) * t.pixels + i] = sum(product(static_cast<float>(total[c]), t.scale), t.offset);
    }
  }
}

void checkSize(const Options& o, const ImageView& in) {
  if (in.width == o.recordedWidth && in.height == o.recordedHeight && (in.channels == o.channels || in.channels == 1)) return;
  throw Error("QPVO_IMAGE_SIZE", "image of another size: expected " + std::to_string(o.recordedWidth) + "x" + std::to_string(o.recordedHeight) + " with " +
                                     std::to_string(o.channels) + " channels, but received " + std::to_string(in.width) + "x" + std::to_string(in.height) + " with " +
                                     std::to_string(in.channels) + ".");
}

}  // namespace

void prepareImage(DeviceState& state, const ImageView& recorded, cudaStream_t stream) {
  const Options& o = state.options;
  checkSize(o, recorded);
  const std::size_t row = static_cast<std::size_t>(o.recordedWidth) * recorded.channels, bytes = row * o.recordedHeight;
  std::byte* held = state.staging.reserve(bytes, stream);
  if (recorded.step == row) {
    std::memcpy(held, recorded.data, bytes);
  } else {
    for (int y = 0; y < o.recordedHeight; ++y) std::memcpy(held + y * row, recorded.data + y * recorded.step, row);
  }
  upload(state.recorded.data(), reinterpret_cast<const std::uint8_t*>(held), bytes, stream);
  const int pixels = o.width * o.height;
  const PrepareTask task{state.recorded.data(),
                         state.mapPixel.data(),
                         state.mapFraction.data(),
                         state.image.data(),
                         pixels,
                         o.channels,
                         o.recordedWidth,
                         o.supersamples,
                         o.scale / (65536.f * static_cast<float>(o.supersamples)),
                         o.offset};
  launch("prepareImage", recorded.channels == 1 ? prepareKernel<1> : prepareKernel<3>, {.blocksX = blocksFor(pixels, kThreads), .threads = kThreads}, stream, task);
}

}  // namespace qpvo::cuda
