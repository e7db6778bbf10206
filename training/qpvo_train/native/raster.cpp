// SPDX-License-Identifier: MIT
// Ray casting of textured rectangles and discs, one frame a call, single-threaded; the torch form is render/raster.py.
//
// A rectangle (centre P, orthogonal half extents U, V) seen from C is hit by the ray of pixel (x, y) where
// ray = a U + b V + c (P - C); a, b, c are linear in the pixel ("rows", 9 floats: a.xyz, b.xyz, c.xyz), u = a/c and v = b/c
// lie in [-1, 1] on the rectangle, and c is the inverse depth.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

namespace {

constexpr int kLanes = 16;      // pixels of a row that are handled together; also the tile size
constexpr int kTable = 20;      // floats a rectangle: 2 x (texture, m00, m01, m10, m11, ox, oy, gain), albedo, specular, shininess, unused
constexpr float kFar = 1e-4f;   // smallest inverse depth that counts as a hit

struct Bank {
  const uint8_t* texels;        // all levels; a texture of size s is stored (s + 1) x (s + 1), wrapped
  const int32_t* base;          // first texel of each level
  int size, top;                // texels a side at level 0; index of the 1 x 1 level
};

struct Bounds { float low, high; };

inline Bounds corners(const float* row, float x0, float y0, float x1, float y1) {
  const float middle = row[0] * 0.5f * (x0 + x1) + row[1] * 0.5f * (y0 + y1) + row[2];
  const float reach = 0.5f * (std::fabs(row[0]) * (x1 - x0) + std::fabs(row[1]) * (y1 - y0));
  return {middle - reach, middle + reach};
}

// Keeps what may be hit inside the box; drops what a rectangle that covers the whole box hides.
int cull(const float* rows, const uint8_t* disc, const int* from, int n, float x0, float y0, float x1, float y1, float nearest, int* to, float* high) {
  int kept = 0;
  float hidden = 0;
  for (int k = 0; k < n; ++k) {
    const float* r = rows + 9 * from[k];
    const Bounds c = corners(r + 6, x0, y0, x1, y1);
    if (c.high <= kFar) continue;
    bool outside = false, covers = !disc[from[k]] && c.low > 0 && c.high < nearest;
    for (int axis = 0; axis < 2; ++axis) {
      float minus[3], plus[3];  // c - a and c + a: negative over the box means no hit in it
      for (int i = 0; i < 3; ++i) minus[i] = r[6 + i] - r[3 * axis + i], plus[i] = r[6 + i] + r[3 * axis + i];
      const Bounds m = corners(minus, x0, y0, x1, y1), p = corners(plus, x0, y0, x1, y1);
      outside |= m.high < 0 || p.high < 0;
      covers &= m.low > 0 && p.low > 0;
    }
    if (outside) continue;
    if (covers) hidden = std::max(hidden, c.low);
    to[kept] = from[k];
    high[kept++] = c.high;
  }
  int out = 0;
  for (int k = 0; k < kept; ++k)
    if (high[k] >= hidden) to[out++] = to[k];
  return out;
}

void trace(const float* rows, const uint8_t* disc, const int* list, int n, float x, float y, float step, float nearest, float* best, int32_t* id) {
  for (int l = 0; l < kLanes; ++l) best[l] = kFar, id[l] = -1;
  for (int k = 0; k < n; ++k) {
    const float* r = rows + 9 * list[k];
    const float a0 = r[0] * x + r[1] * y + r[2], b0 = r[3] * x + r[4] * y + r[5], c0 = r[6] * x + r[7] * y + r[8];
    const int32_t me = list[k];
    const float round = disc[me] ? 1.f : 0.f;
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) {
      const float at = step * l, a = a0 + r[0] * at, b = b0 + r[3] * at, c = c0 + r[6] * at;
      const float edge = std::max(std::max(std::fabs(a), std::fabs(b)), round * std::sqrt(a * a + b * b));
      const bool hit = (edge <= c) & (c < nearest) & (c > best[l]);
      best[l] = hit ? c : best[l];
      id[l] = hit ? me : id[l];
    }
  }
}

struct Surface {                // u, v and their derivatives along the image axes, for one span
  float u[kLanes], v[kLanes], ux[kLanes], uy[kLanes], vx[kLanes], vy[kLanes];
};

void locate(const float* r, float x, float y, Surface& s) {
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) {
    const float px = x + l;
    const float c = 1.f / std::max(r[6] * px + r[7] * y + r[8], kFar);
    s.u[l] = (r[0] * px + r[1] * y + r[2]) * c;
    s.v[l] = (r[3] * px + r[4] * y + r[5]) * c;
    s.ux[l] = (r[0] - s.u[l] * r[6]) * c, s.uy[l] = (r[1] - s.u[l] * r[7]) * c;
    s.vx[l] = (r[3] - s.v[l] * r[6]) * c, s.vy[l] = (r[4] - s.v[l] * r[7]) * c;
  }
}

// Adds weight(level) * bilinear sample to sum for one of the two levels of each lane.
void sample_level(const Bank& bank, int texture, const float* tx, const float* ty, const int32_t* level, const float* weight, float* sum) {
  int32_t at[kLanes], stride[kLanes];
  float fx[kLanes], fy[kLanes], t00[kLanes], t01[kLanes], t10[kLanes], t11[kLanes];
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) {
    const int32_t size = bank.size >> level[l];
    const float scale = static_cast<float>(size) / bank.size;
    const float x = tx[l] * scale - 0.5f, y = ty[l] * scale - 0.5f, x0 = std::floor(x), y0 = std::floor(y);
    fx[l] = x - x0, fy[l] = y - y0;
    stride[l] = size + 1;
    at[l] = bank.base[level[l]] + (texture * stride[l] + (static_cast<int32_t>(y0) & (size - 1))) * stride[l] + (static_cast<int32_t>(x0) & (size - 1));
  }
  for (int l = 0; l < kLanes; ++l) {
    const uint8_t* p = bank.texels + at[l];
    t00[l] = p[0], t01[l] = p[1], t10[l] = p[stride[l]], t11[l] = p[stride[l] + 1];
  }
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) {
    const float top = t00[l] + fx[l] * (t01[l] - t00[l]), bottom = t10[l] + fx[l] * (t11[l] - t10[l]);
    sum[l] += weight[l] * (top + fy[l] * (bottom - top));
  }
}

void add_layer(const Bank& bank, const float* t, const Surface& s, float sharpness, float* value) {
  float tx[kLanes], ty[kLanes], low[kLanes], high[kLanes], sum[kLanes] = {};
  int32_t l0[kLanes], l1[kLanes];
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) {
    tx[l] = t[1] * s.u[l] + t[2] * s.v[l] + t[5], ty[l] = t[3] * s.u[l] + t[4] * s.v[l] + t[6];
    const float ax = t[1] * s.ux[l] + t[2] * s.vx[l], bx = t[3] * s.ux[l] + t[4] * s.vx[l];
    const float ay = t[1] * s.uy[l] + t[2] * s.vy[l], by = t[3] * s.uy[l] + t[4] * s.vy[l];
    const float px = ax * ax + bx * bx + 1e-12f, py = ay * ay + by * by + 1e-12f;
    const float lod = 0.72134752f * (0.75f * std::log(std::max(px, py)) + 0.25f * std::log(std::min(px, py))) + sharpness;
    const float level = std::min(std::max(lod, 0.f), bank.top - 1e-3f), whole = std::floor(level);
    l0[l] = static_cast<int32_t>(whole), l1[l] = l0[l] + 1;
    high[l] = level - whole, low[l] = 1.f - high[l];
  }
  sample_level(bank, static_cast<int>(t[0]), tx, ty, l0, low, sum);
  sample_level(bank, static_cast<int>(t[0]), tx, ty, l1, high, sum);
  for (int l = 0; l < kLanes; ++l) value[l] += t[7] * (sum[l] / 255.f - 0.5f);
}

void light(const float* map, int n, const Surface& s, float* out) {
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) {
    const float gu = std::min(std::max((s.u[l] + 1.f) * 0.5f * (n - 1), 0.f), n - 1.001f);
    const float gv = std::min(std::max((s.v[l] + 1.f) * 0.5f * (n - 1), 0.f), n - 1.001f);
    const int32_t iu = static_cast<int32_t>(gu), iv = static_cast<int32_t>(gv), at = iv * n + iu;
    const float fu = gu - iu, fv = gv - iv;
    const float top = map[at] + fu * (map[at + 1] - map[at]), bottom = map[at + n] + fu * (map[at + n + 1] - map[at + n]);
    out[l] = top + fv * (bottom - top);
  }
}

// Blinn highlight of the first light; geometry: P, U, V, N (12 floats, world).
void add_highlight(const float* g, const float* eye, const float* lamp, float strength, float shininess, const Surface& s, float* value) {
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) {
    float e2 = 0, k2 = 0, e[3], k[3];
    for (int i = 0; i < 3; ++i) {
      const float at = g[i] + s.u[l] * g[3 + i] + s.v[l] * g[6 + i];
      e[i] = eye[i] - at, k[i] = lamp[i] - at;
      e2 += e[i] * e[i], k2 += k[i] * k[i];
    }
    const float ei = 1.f / std::sqrt(e2 + 1e-9f), ki = 1.f / std::sqrt(k2 + 1e-9f);
    float dot = 0, h2 = 1e-9f;
    for (int i = 0; i < 3; ++i) {
      const float h = e[i] * ei + k[i] * ki;
      dot += h * g[9 + i], h2 += h * h;
    }
    value[l] += strength * std::exp(shininess * 0.5f * std::log(dot * dot / h2 + 1e-9f));
  }
}

struct Look {                   // all that colours a hit; maps: the light maps, rectangle r has map_side[r] squared values from map_at[r] on
  Bank bank;
  const float *rows, *table, *geometry, *eye, *lamp, *maps;
  const int32_t *map_at, *map_side;
  float sky, sharpness;
};

// Radiance of a span as if all of its lanes hit rectangle r (-1: the sky).
void shade(const Look& look, int32_t r, float x, float y, float* value) {
  std::fill(value, value + kLanes, look.sky);
  if (r < 0) return;
  const float* t = look.table + kTable * r;
  Surface s;
  float lit[kLanes];
  locate(look.rows + 9 * r, x, y, s);
  std::fill(value, value + kLanes, t[16]);
  add_layer(look.bank, t, s, look.sharpness, value);
  add_layer(look.bank, t + 8, s, look.sharpness, value);
  for (int l = 0; l < kLanes; ++l) value[l] = std::min(std::max(value[l], 0.02f), 1.2f);
  if (t[17] > 0) add_highlight(look.geometry + 12 * r, look.eye, look.lamp, t[17], t[18], s, value);
  light(look.maps + look.map_at[r], look.map_side[r], s, lit);
  for (int l = 0; l < kLanes; ++l) value[l] *= lit[l];
}

// open[p] = 0 where the segment from the point to the lamp meets rectangle k.
void block_light(int m, const float* px, const float* py, const float* pz, const int32_t* own, const float* lamp, const float* g, int k, float round,
                 float* open) {
  const float lx = lamp[0] - g[0], ly = lamp[1] - g[1], lz = lamp[2] - g[2];
  const float lamp_height = g[9] * lx + g[10] * ly + g[11] * lz;
#pragma omp simd
  for (int p = 0; p < m; ++p) {
    const float x = px[p] - g[0], y = py[p] - g[1], z = pz[p] - g[2];
    const float height = g[9] * x + g[10] * y + g[11] * z, fall = height - lamp_height;
    const float at = height / (std::fabs(fall) < 1e-9f ? 1e-9f : fall);
    const float qx = x + at * (lx - x), qy = y + at * (ly - y), qz = z + at * (lz - z);
    const float u = g[3] * qx + g[4] * qy + g[5] * qz, v = g[6] * qx + g[7] * qy + g[8] * qz;
    const float edge = std::max(std::max(std::fabs(u), std::fabs(v)), round * std::sqrt(u * u + v * v));
    const bool blocked = (at > 1e-4f) & (at < 0.9999f) & (edge < 1.f) & (own[p] != k);
    open[p] = blocked ? 0.f : open[p];
  }
}

}  // namespace

extern "C" {

// image[h, w] += weight * radiance of one sub-sample at the pixel offset (ox, oy).
void raster_accumulate(int h, int w, int count, const float* rows, const uint8_t* disc, const float* table, const float* geometry, const float* eye,
                       const float* lamp, const float* maps, const int32_t* map_at, const int32_t* map_side, const uint8_t* texels, const int32_t* base,
                       int size, int top, float ox, float oy, float nearest, float sky, float sharpness, float weight, float* image) {
  const Look look{{texels, base, size, top}, rows, table, geometry, eye, lamp, maps, map_at, map_side, sky, sharpness};
  std::vector<int> all(count), seen(count), tile(count);
  std::vector<float> high(count);
  std::iota(all.begin(), all.end(), 0);
  const int in_view = cull(rows, disc, all.data(), count, -1, -1, w, h, nearest, seen.data(), high.data());
  float best[kLanes], value[kLanes];
  int32_t id[kLanes];
  for (int y0 = 0; y0 < h; y0 += kLanes)
    for (int x0 = 0; x0 < w; x0 += kLanes) {
      const int y1 = std::min(y0 + kLanes, h), wide = std::min(kLanes, w - x0);
      const int n = cull(rows, disc, seen.data(), in_view, x0 - 1, y0 - 1, x0 + kLanes, y1, nearest, tile.data(), high.data());
      for (int y = y0; y < y1; ++y) {
        trace(rows, disc, tile.data(), n, x0 + ox, y + oy, 1.f, nearest, best, id);
        float* out = image + static_cast<size_t>(y) * w + x0;
        for (uint32_t left = (1u << wide) - 1; left;) {
          const int32_t r = id[__builtin_ctz(left)];
          shade(look, r, x0 + ox, y + oy, value);
          for (int l = 0; l < wide; ++l)
            if (id[l] == r) out[l] += weight * value[l], left &= ~(1u << l);
        }
      }
    }
}

// Inverse depth and rectangle (-1: none) at the pixels (step x, step y); grids [rows_out, columns_out].
void raster_depth(int rows_out, int columns_out, int step, int count, const float* rows, const uint8_t* disc, float nearest, float* inverse,
                  int32_t* rectangle) {
  std::vector<int> all(count), seen(count), tile(count);
  std::vector<float> high(count);
  std::iota(all.begin(), all.end(), 0);
  const float s = step;
  const int in_view = cull(rows, disc, all.data(), count, 0, 0, s * columns_out, s * rows_out, nearest, seen.data(), high.data());
  float best[kLanes];
  int32_t id[kLanes];
  for (int y = 0; y < rows_out; ++y)
    for (int x = 0; x < columns_out; x += kLanes) {
      const int n = cull(rows, disc, seen.data(), in_view, s * x, s * y, s * (x + kLanes), s * y, nearest, tile.data(), high.data());
      trace(rows, disc, tile.data(), n, s * x, s * y, s, nearest, best, id);
      for (int l = 0; l < std::min(kLanes, columns_out - x); ++l) {
        rectangle[y * columns_out + x + l] = id[l];
        inverse[y * columns_out + x + l] = id[l] < 0 ? 0.f : best[l];
      }
    }
}

// visible[point] = 1 where the segment from the point to the lamp meets no rectangle other than the point's own.
// points [3, n] world, own [n]; rectangles as P, U / |U|^2, V / |V|^2, N (12 floats).
void raster_shadow(int n, const float* points, const int32_t* own, const float* lamp, int count, const float* rectangles, const uint8_t* disc, float* visible) {
  std::vector<float> reach(3 * count);  // half sizes of the rectangles' boxes
  for (int k = 0; k < count; ++k) {
    const float *u = rectangles + 12 * k + 3, *v = u + 3;
    const float uu = u[0] * u[0] + u[1] * u[1] + u[2] * u[2], vv = v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
    for (int i = 0; i < 3; ++i) reach[3 * k + i] = std::fabs(u[i]) / uu + std::fabs(v[i]) / vv;
  }
  constexpr int kBlock = 64;
  for (int begin = 0; begin < n; begin += kBlock) {
    const int m = std::min(kBlock, n - begin);
    const float *x = points + begin, *y = points + n + begin, *z = points + 2 * n + begin;
    const float* axis[3] = {x, y, z};
    float low[3], high[3], open[kBlock];
    for (int i = 0; i < 3; ++i) {
      low[i] = std::min(lamp[i], *std::min_element(axis[i], axis[i] + m));
      high[i] = std::max(lamp[i], *std::max_element(axis[i], axis[i] + m));
    }
    for (int p = 0; p < m; ++p) open[p] = 1.f;
    for (int k = 0; k < count; ++k) {
      const float *g = rectangles + 12 * k, *r = reach.data() + 3 * k;
      bool apart = false;
      for (int i = 0; i < 3; ++i) apart |= g[i] + r[i] < low[i] || g[i] - r[i] > high[i];
      if (!apart) block_light(m, x, y, z, own + begin, lamp, g, k, disc[k] ? 1.f : 0.f, open);
    }
    std::copy(open, open + m, visible + begin);
  }
}
}
