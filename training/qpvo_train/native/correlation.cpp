// SPDX-License-Identifier: MIT
// Correlation of patch features with windows of a feature map, and its gradients.
//
// patches [K][P][C], maps [J][H][W][C] (channels last), coords [E][P][2] as (x, y) on the grid of level 0, patch and map index of each edge.
// out: [E][dx][dy][P] with a stride of `levels` floats and the offset `level`: the column order of the published network (x slow, level fastest).
// A window of (2r+2)^2 dot products at whole pixels is blended bilinearly to (2r+1)^2; outside the map the features are zero (DPVO, section 6).
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

namespace {

constexpr int kMaxWindow = 16;

struct Window {
  int x0, y0;    // top left pixel of the window of whole pixels
  float fx, fy;  // fractions of the blend
};

Window window_at(const float* xy, float scale, int radius) {
  const float x = std::clamp(xy[0] * scale, -1e4f, 1e4f), y = std::clamp(xy[1] * scale, -1e4f, 1e4f);
  const float bx = std::floor(x), by = std::floor(y);
  return {int(bx) - radius, int(by) - radius, x - bx, y - by};
}

// kChannels: known at compile time, or 0.
template <int kChannels>
float dot(const float* a, const float* b, int channels) {
  float sum = 0;
  for (int c = 0; c < (kChannels ? kChannels : channels); c++) sum += a[c] * b[c];
  return sum;
}

template <int kChannels>
void forward(const float* patches, const float* maps, const float* coords, const int64_t* patch, const int64_t* map,
                          float* out, int64_t edges, int pixels, int channels, int height, int width, int radius, float scale, int level,
                          int levels) {
  const int side = 2 * radius + 2, size = side - 1;
#pragma omp parallel for schedule(static)
  for (int64_t e = 0; e < edges; e++) {
    float raw[kMaxWindow * kMaxWindow];
    const float* base = maps + map[e] * (int64_t)height * width * channels;
    for (int p = 0; p < pixels; p++) {
      const float* a = patches + (patch[e] * pixels + p) * channels;
      const Window w = window_at(coords + (e * pixels + p) * 2, scale, radius);
      for (int i = 0; i < side; i++)
        for (int j = 0; j < side; j++) {
          const int y = w.y0 + i, x = w.x0 + j;
          const bool inside = y >= 0 && x >= 0 && y < height && x < width;
          raw[i * side + j] = inside ? dot<kChannels>(a, base + ((int64_t)y * width + x) * channels, channels) : 0.f;
        }
      for (int i = 0; i < size; i++)
        for (int j = 0; j < size; j++) {
          const float* r = raw + i * side + j;
          out[((e * size * size + j * size + i) * pixels + p) * levels + level] =
              (1 - w.fy) * ((1 - w.fx) * r[0] + w.fx * r[1]) + w.fy * ((1 - w.fx) * r[side] + w.fx * r[side + 1]);
        }
    }
  }
}

// Not parallel: the edges of a frame share its map.
template <int kChannels>
void backward(const float* patches, const float* maps, const float* coords, const int64_t* patch, const int64_t* map,
                                   const int64_t* chosen, const float* grad, float* grad_patches, float* grad_maps, int64_t edges,
                                   int pixels, int channels, int height, int width, int radius, float scale, int level, int levels) {
  const int side = 2 * radius + 2, size = side - 1;
  for (int64_t n = 0; n < edges; n++) {
    const int64_t e = chosen[n];
    float raw[kMaxWindow * kMaxWindow];
    const int64_t offset = map[e] * (int64_t)height * width * channels;
    for (int p = 0; p < pixels; p++) {
      const int64_t own = (patch[e] * pixels + p) * channels;
      const float* __restrict a = patches + own;
      float* __restrict grad_a = grad_patches + own;
      const Window w = window_at(coords + (e * pixels + p) * 2, scale, radius);
      std::memset(raw, 0, sizeof raw);
      for (int i = 0; i < size; i++)
        for (int j = 0; j < size; j++) {
          const float v = grad[((e * size * size + j * size + i) * pixels + p) * levels + level];
          float* r = raw + i * side + j;
          r[0] += (1 - w.fy) * (1 - w.fx) * v;
          r[1] += (1 - w.fy) * w.fx * v;
          r[side] += w.fy * (1 - w.fx) * v;
          r[side + 1] += w.fy * w.fx * v;
        }
      for (int i = 0; i < side; i++) {
        const int y = w.y0 + i;
        if (y < 0 || y >= height) continue;
        for (int j = std::max(0, -w.x0); j < std::min(side, width - w.x0); j++) {
          const float v = raw[i * side + j];
          const int64_t at = offset + ((int64_t)y * width + w.x0 + j) * channels;
          const float* __restrict b = maps + at;
          float* __restrict grad_b = grad_maps + at;
          for (int c = 0; c < (kChannels ? kChannels : channels); c++) {
            grad_a[c] += v * b[c];
            grad_b[c] += v * a[c];
          }
        }
      }
    }
  }
}

}  // namespace

extern "C" void correlate(const float* patches, const float* maps, const float* coords, const int64_t* patch, const int64_t* map,
                          float* out, int64_t edges, int pixels, int channels, int height, int width, int radius, float scale, int level,
                          int levels) {
  const auto run = channels == 64 ? forward<64> : channels == 128 ? forward<128> : forward<0>;
  run(patches, maps, coords, patch, map, out, edges, pixels, channels, height, width, radius, scale, level, levels);
}

// Adds to grad_patches and grad_maps, for the `edges` chosen edges.
extern "C" void correlate_backward(const float* patches, const float* maps, const float* coords, const int64_t* patch, const int64_t* map,
                                   const int64_t* chosen, const float* grad, float* grad_patches, float* grad_maps, int64_t edges,
                                   int pixels, int channels, int height, int width, int radius, float scale, int level, int levels) {
  const auto run = channels == 64 ? backward<64> : channels == 128 ? backward<128> : backward<0>;
  run(patches, maps, coords, patch, map, chosen, grad, grad_patches, grad_maps, edges, pixels, channels, height, width, radius, scale,
      level, levels);
}
