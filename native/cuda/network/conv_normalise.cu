// SPDX-License-Identifier: MIT
#include "conv_moments.cuh"
#include "runtime/launch.hpp"

namespace qpvo::cuda::network::conv {

namespace {

constexpr float kNormEpsilon = 1e-5f;
constexpr int kNormWarps = 16;

/// Instance norm of 32 channels from the moments of the tiles. The bias of the convolution cancels. Warp w joins tiles w, w + 16, ..., then the warps are joined in
/// order.
__global__ void __launch_bounds__(kNormWarps* kWarp) normaliseKernel(const NormPass pass) {
  __shared__ Moments shared[kNormWarps][kWarp];
  const int channel = static_cast<int>(blockIdx.x) * kWarp + laneIndex();
  const bool used = channel < pass.channels;
  const int across = tilesAcross(pass.width, kTileWidth), tiles = across * tilesAcross(pass.height, pass.tileRows);
  Moments sum = {0, 0, 0};
#pragma unroll 4
  for (int tile = warpIndex(); tile < tiles; tile += kNormWarps) {
    const int columns = min(kTileWidth, pass.width - tile % across * kTileWidth), rows = min(pass.tileRows, pass.height - tile / across * pass.tileRows);
    const float2 moments = used ? pass.moments[static_cast<std::size_t>(tile) * pass.channels + channel] : float2{0, 0};
    sum.join({static_cast<float>(columns * rows), moments.x, moments.y});
  }
  shared[warpIndex()][laneIndex()] = sum;
  __syncthreads();
  if (warpIndex() == 0 && used) {
    for (int warp = 1; warp < kNormWarps; ++warp) sum.join(shared[warp][laneIndex()]);
    const float unit = pass.unit[channel], variance = unit * unit * (sum.squares / sum.count);
    const float scale = unit / sqrtf(variance + kNormEpsilon);
    pass.scale[channel] = scale;
    pass.offset[channel] = -sum.mean * scale;
  }
}

}  // namespace

void normalise(const char* name, const NormPass& pass, cudaStream_t stream) {
  launch(name, normaliseKernel, {.blocksX = blocksFor(pass.channels, kWarp), .threads = kNormWarps * kWarp}, stream, pass);
}

}  // namespace qpvo::cuda::network::conv
