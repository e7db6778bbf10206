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


/// Lane l of the result: x[l] + x[l ^ H] where bit H of l is clear, y[l] + y[l ^ H] where it is set.
template <int H>
inline V fold(V x, V y) {
#if defined(__AVX512F__)
  constexpr auto s = [](int l) { return (l & H) == 0 ? l : W + l; };
  constexpr auto o = [](int l) { return (l & H) == 0 ? (l ^ H) : W + (l ^ H); };
  const V a = __builtin_shufflevector(x, y, s(0), s(1), s(2), s(3), s(4), s(5), s(6), s(7), s(8), s(9), s(10), s(11), s(12), s(13), s(14), s(15));
  const V b = __builtin_shufflevector(x, y, o(0), o(1), o(2), o(3), o(4), o(5), o(6), o(7), o(8), o(9), o(10), o(11), o(12), o(13), o(14), o(15));
#elif defined(__AVX2__)
  constexpr auto s = [](int l) { return (l & H) == 0 ? l : W + l; };
  constexpr auto o = [](int l) { return (l & H) == 0 ? (l ^ H) : W + (l ^ H); };
  const V a = __builtin_shufflevector(x, y, s(0), s(1), s(2), s(3), s(4), s(5), s(6), s(7));
  const V b = __builtin_shufflevector(x, y, o(0), o(1), o(2), o(3), o(4), o(5), o(6), o(7));
#else
  constexpr auto s = [](int l) { return (l & H) == 0 ? l : W + l; };
  constexpr auto o = [](int l) { return (l & H) == 0 ? (l ^ H) : W + (l ^ H); };
  const V a = __builtin_shufflevector(x, y, s(0), s(1), s(2), s(3));
  const V b = __builtin_shufflevector(x, y, o(0), o(1), o(2), o(3));
#endif
  return a + b;
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
