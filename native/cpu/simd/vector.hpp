// SPDX-License-Identifier: MIT
#pragma once

// The vector type of the instruction set this file is compiled for, through the compiler's vector extension (GCC, Clang).

namespace {

#if defined(__AVX512F__)
constexpr int W = 16;
#elif defined(__AVX2__)
constexpr int W = 8;
#else
constexpr int W = 4;
#endif

typedef float V __attribute__((vector_size(W * 4)));
typedef int M __attribute__((vector_size(W * 4)));

inline V load(const float* p) {
  V v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

inline void store(float* p, V v) { __builtin_memcpy(p, &v, sizeof v); }

inline V splat(float x) { return V{} + x; }


/// Lane i of the result is lane index[i] of x followed by y. GCC makes one instruction of it.
inline V permute(V x, V y, M index) {
#if defined(__clang__)
  V out{};
  for (int l = 0; l < W; ++l) out[l] = index[l] < W ? x[index[l]] : y[index[l] - W];
  return out;
#else
  return __builtin_shuffle(x, y, index);
#endif
}

/// Lane l of the result: x[l] + x[l ^ H] where bit H of l is clear, y[l] + y[l ^ H] where it is set.
template <int H>
inline V fold(V x, V y) {
  M own{}, other{};
  for (int l = 0; l < W; ++l) {
    own[l] = (l & H) == 0 ? l : W + l;
    other[l] = (l & H) == 0 ? (l ^ H) : W + (l ^ H);
  }
  return permute(x, y, own) + permute(x, y, other);
}

template <int N>
inline V sumEach(V* a) {
  if constexpr (N == 1) {
    return a[0];
  } else {
    for (int i = 0; i < N / 2; ++i) a[i] = fold<N / 2>(a[i], a[i + N / 2]);
    return sumEach<N / 2>(a);
  }
}

/// Lane i of the result is the sum over the lanes of a[i]; a has W entries and is overwritten.
inline V sumEach(V* a) { return sumEach<W>(a); }

inline float sum(V v) {
  float s = 0;
  for (int i = 0; i < W; ++i) s += v[i];
  return s;
}

}  // namespace
