// SPDX-License-Identifier: MIT
#include "channels_last.hpp"

#include <cuda_fp16.h>

#include "runtime/launch.hpp"

namespace qpvo::tensorrt {

namespace {

constexpr int kTile = 32;
constexpr unsigned kThreads = 256;

__device__ void store(float* to, float value) { *to = value; }
__device__ void store(__half* to, float value) { *to = __float2half_rn(value); }

/// A block turns a tile of 32 channels x 32 pixels, with one column more than it needs so that columns lie in different banks.
template <class T>
__global__ void turnTiles(const float* planes, int channels, int pixels, T* map) {
  __shared__ float tile[kTile][kTile + 1];
  const int lane = threadIdx.x % kTile, row = threadIdx.x / kTile, rows = kThreads / kTile;
  const int firstPixel = blockIdx.x * kTile, firstChannel = blockIdx.y * kTile;
  for (int c = row; c < kTile; c += rows) {
    const int channel = firstChannel + c, pixel = firstPixel + lane;
    if (channel < channels && pixel < pixels) tile[c][lane] = planes[static_cast<std::size_t>(channel) * pixels + pixel];
  }
  __syncthreads();
  for (int p = row; p < kTile; p += rows) {
    const int channel = firstChannel + lane, pixel = firstPixel + p;
    if (channel < channels && pixel < pixels) store(&map[static_cast<std::size_t>(pixel) * channels + channel], tile[lane][p]);
  }
}

}  // namespace

void toChannelsLast(const float* planes, int channels, int pixels, cuda::Precision precision, void* map, cudaStream_t stream) {
  const cuda::Shape shape{.blocksX = cuda::blocksFor(pixels, kTile), .blocksY = cuda::blocksFor(channels, kTile), .threads = kThreads};
  if (precision == cuda::Precision::fp32) {
    cuda::launch("channels last", turnTiles<float>, shape, stream, planes, channels, pixels, static_cast<float*>(map));
  } else {
    cuda::launch("channels last", turnTiles<__half>, shape, stream, planes, channels, pixels, static_cast<__half*>(map));
  }
}

}  // namespace qpvo::tensorrt
