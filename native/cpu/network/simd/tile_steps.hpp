// SPDX-License-Identifier: MIT
#pragma once

#include "lanes.hpp"

// The steps between the layers: norms, sums and softmax.

namespace {

using qpvo::network::Addition;
using qpvo::network::Heads;
using qpvo::network::LayerNorm;
using qpvo::network::TargetSoftmax;

constexpr float kEpsilon = 1e-3f;
/// Floats from what is read to what is asked for: what comes from main memory, such as the correlation, is asked for a page ahead, which the processor does not do by itself.
constexpr int kAhead = 1024;

/// 1 in the first n lanes.
inline V ones(int n) {
  V v{};
  for (int i = 0; i < W; ++i) v[i] = i < n ? 1.0f : 0.0f;
  return v;
}

void quantize(int rows, int width, const float* in, long stride, const Sink& sink) {
  for (int r = 0; r < rows; ++r) {
    const float* row = in + r * stride;
    unsigned char* out = sink.quantized + r * sink.quantizedStride;
    int c = 0;
    for (; c + W <= width; c += W) {
      __builtin_prefetch(row + c + kAhead);
      const Bytes bytes = quantized(load(row + c), sink.quantizer);
      __builtin_memcpy(out + c, &bytes, sizeof bytes);
    }
    if (c < width) {
      const Bytes bytes = quantized(loadPart(row + c, width - c), sink.quantizer);
      __builtin_memcpy(out + c, &bytes, sizeof bytes);
    }
  }
}

/// Writes the sum of the summands to `out` and returns its mean.
inline float sumSummands(const LayerNorm& n, int row, float* out) {
  V total{};
  for (int c = 0; c < n.width; c += W) {
    V x = load(n.in + row * n.stride + c);
    for (int a = 0; a < 2; ++a) {
      if (n.addend[a] == nullptr) continue;
      const float* addend = n.addend[a] + row * n.addendStride[a] + c;
      __builtin_prefetch(addend + kAhead);
      x += loadUpTo(addend, n.width - c);
    }
    if (n.width - c < W) x *= ones(n.width - c);
    store(out + c, x);
    total += x;
  }
  return laneSum(total) / static_cast<float>(n.width);
}

/// A row whose N vectors stay in registers.
template <int N>
inline void normRow(const LayerNorm& n, int row) {
  V x[N], total{}, squares{};
#pragma GCC unroll 16
  for (int v = 0; v < N; ++v) {
    x[v] = load(n.in + row * n.stride + v * W);
    for (int a = 0; a < 2; ++a) {
      if (n.addend[a] == nullptr) continue;
      const float* addend = n.addend[a] + row * n.addendStride[a] + v * W;
      __builtin_prefetch(addend + kAhead);
      x[v] += load(addend);
    }
    total += x[v];
  }
  const float mean = laneSum(total) / static_cast<float>(n.width);
#pragma GCC unroll 16
  for (int v = 0; v < N; ++v) {
    x[v] -= mean;
    squares += x[v] * x[v];
  }
  const float rate = 1.0f / __builtin_sqrtf(laneSum(squares) / static_cast<float>(n.width) + kEpsilon);
#pragma GCC unroll 16
  for (int v = 0; v < N; ++v) {
    const V y = x[v] * rate * load(n.gamma + v * W) + load(n.beta + v * W);
    emit(n.out, row, v * W, n.relu ? positive(y) : y);
  }
}

/// A row of any width.
void normRow(const LayerNorm& n, int r) {
  float* row = n.out.values + r * n.out.stride;
  const float mean = sumSummands(n, r, row);
  V squares{};
  for (int c = 0; c < n.width; c += W) {
    V d = load(row + c) - mean;
    if (n.width - c < W) d *= ones(n.width - c);
    squares += d * d;
  }
  const float rate = 1.0f / __builtin_sqrtf(laneSum(squares) / static_cast<float>(n.width) + kEpsilon);
  for (int c = 0; c < n.width; c += W) {
    const V y = (load(row + c) - mean) * rate * load(n.gamma + c) + load(n.beta + c);
    emit(n.out, r, c, n.relu ? positive(y) : y);
  }
}

void layerNorm(const LayerNorm& task) {
  const LayerNorm n = task;
  if (n.width == 8 * W) {
    for (int r = 0; r < n.rows; ++r) normRow<8>(n, r);
  } else {
    for (int r = 0; r < n.rows; ++r) normRow(n, r);
  }
}

void add(const Addition& task) {
  const Addition a = task;
  for (int r = 0; r < a.rows; ++r) {
    for (int c = 0; c < a.width; c += W) {
      V x = load(a.in + r * a.stride + c);
      if (a.addend != nullptr) x += load(a.addend + r * a.addendStride + c);
      emit(a.out, r, c, x);
    }
  }
}

void softmaxBegin(const TargetSoftmax& s) {
  for (long at = 0; at < s.rows * s.stride; at += W) {
    store(s.maximum + at, splat(-3e38f));
    store(s.sum + at, V{});
    store(s.total + at, V{});
  }
}

/// One exponential an element: either what was summed so far shrinks, or the newcomer does.
void softmaxTarget(const TargetSoftmax& s, const float* logits, const float* values) {
  for (int r = 0; r < s.rows; ++r) {
    for (int c = 0; c < s.width; c += W) {
      const long at = r * s.stride + c;
      const V m = load(s.maximum + at), g = load(logits + at), one = splat(1.0f);
      const V fall = exponential(smaller(g, m) - larger(g, m));
      const V old = g > m ? fall : one, fresh = g > m ? one : fall;
      store(s.maximum + at, larger(g, m));
      store(s.sum + at, load(s.sum + at) * old + fresh);
      store(s.total + at, load(s.total + at) * old + fresh * load(values + at));
    }
  }
}

void softmaxEnd(const TargetSoftmax& s, const Sink& out) {
  for (int r = 0; r < s.rows; ++r) {
    for (int c = 0; c < s.width; c += W) {
      const long at = r * s.stride + c;
      emit(out, r, c, load(s.total + at) / load(s.sum + at));
    }
  }
}

void softmaxRows(int rows, int width, long stride, const float* logits, const float* values, const Sink& out) {
  for (int c = 0; c < width; c += W) {
    V m = load(logits + c);
    for (int r = 1; r < rows; ++r) m = larger(m, load(logits + r * stride + c));
    V weights{}, total{};
    for (int r = 0; r < rows; ++r) {
      const V e = exponential(load(logits + r * stride + c) - m);
      weights += e;
      total += e * load(values + r * stride + c);
    }
    emit(out, 0, c, total / weights);
  }
}

void heads(const Heads& h) {
  for (int r = 0; r < h.rows; ++r) {
    const float* row = h.in + r * h.stride;
    V acc[4] = {};
    for (int c = 0; c < h.width; c += W) {
      const V x = load(row + c);
      storeUpTo(h.hidden + static_cast<long>(r) * h.width + c, x, h.width - c);
      for (int o = 0; o < 4; ++o) acc[o] += positive(x) * load(h.weights + o * h.stride + c);
    }
    for (int o = 0; o < 2; ++o) {
      h.delta[2 * r + o] = laneSum(acc[o]) + h.bias[o];
      h.weight[2 * r + o] = sigmoid(splat(laneSum(acc[2 + o]) + h.bias[2 + o]))[0];
    }
  }
}

}  // namespace
