// SPDX-License-Identifier: MIT
#pragma once

#include "../../simd/vector.hpp"
#include "update_kernels.hpp"

// Vectors of one instruction set: parts of rows, exponentials, and the way of a result into a Sink.

namespace {

using qpvo::network::Quantizer;
using qpvo::network::Sink;

typedef unsigned char Bytes __attribute__((vector_size(W)));

/// The first n < W elements, zero after them.
inline V loadPart(const float* p, int n) {
  float v[W] = {};
  for (int i = 0; i < n; ++i) v[i] = p[i];
  return load(v);
}

inline V loadUpTo(const float* p, int n) { return n >= W ? load(p) : loadPart(p, n); }

inline void storeUpTo(float* p, V v, int n) {
  if (n >= W) {
    store(p, v);
  } else {
    for (int i = 0; i < n; ++i) p[i] = v[i];
  }
}

inline V larger(V a, V b) { return a > b ? a : b; }
inline V smaller(V a, V b) { return a < b ? a : b; }
inline V positive(V x) { return larger(x, V{}); }

/// Sum over the lanes, in halves.
inline float laneSum(V v) {
  const auto addHalf = [&v](int h) {
    M other{};
    for (int l = 0; l < W; ++l) other[l] = l ^ h;
    v += permute(v, v, other);
  };
  if constexpr (W > 8) addHalf(8);
  if constexpr (W > 4) addHalf(4);
  addHalf(2);
  addHalf(1);
  return v[0];
}

/// Rounds half to even, |x| < 2^22: the sum has the integer in its lowest bits.
inline M roundToInt(V x) { return reinterpret_cast<M>(x + 12582912.0f) - 0x4b400000; }

/// e^x for x in -87..88, limited to that range. Relative error below 3e-7 (degree 6 on |r| <= ln 2 / 2).
inline V exponential(V x) {
  x = smaller(larger(x, splat(-87.0f)), splat(88.0f));
  const V shifted = x * 1.44269504f + 12582912.0f;
  const V n = shifted - 12582912.0f;
  const V r = (x - n * 0.693145752f) - n * 1.42860677e-6f;
  V p = splat(1.3981999e-3f);
  p = p * r + 8.3334519e-3f;
  p = p * r + 4.1665795e-2f;
  p = p * r + 0.16666665f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  return p * reinterpret_cast<V>((reinterpret_cast<M>(shifted) - 0x4b400000 + 127) << 23);
}

inline V sigmoid(V x) { return 1.0f / (1.0f + exponential(-x)); }

inline Bytes quantized(V x, const Quantizer& q) {
  const V limited = smaller(larger(x * q.inverseScale, splat(q.low)), splat(q.high));
  return __builtin_convertvector(roundToInt(limited) + q.zero, Bytes);
}

/// W columns of a row into the sink; both targets have room for whole vectors.
inline void emit(const Sink& sink, long row, long column, V x) {
  if (sink.values != nullptr) store(sink.values + row * sink.stride + column, x);
  if (sink.quantized != nullptr) {
    const Bytes bytes = quantized(x, sink.quantizer);
    __builtin_memcpy(sink.quantized + row * sink.quantizedStride + column, &bytes, sizeof bytes);
  }
}

}  // namespace
