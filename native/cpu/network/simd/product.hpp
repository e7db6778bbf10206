// SPDX-License-Identifier: MIT
#pragma once

#include "dot_product.hpp"
#include "lanes.hpp"

// Layers on tiles: a block of rows and one panel of outputs is summed up in registers, then finished and stored.

namespace {

using qpvo::network::Finish;
using qpvo::network::kPanel;
using qpvo::network::Product;

#if defined(__AVX512F__)
constexpr int kFloatRows = 12, kFloatVectors = 2;
#elif defined(__AVX2__)
constexpr int kFloatRows = 6, kFloatVectors = 2;
#elif defined(__aarch64__)
constexpr int kFloatRows = 4, kFloatVectors = 4;
#else
constexpr int kFloatRows = 3, kFloatVectors = 4;
#endif

/// y of W outputs of one row of a block.
inline V rescaled(const Product& p, const int* sums, int column) {
  return __builtin_convertvector(loadInt(sums), V) * load(p.scale + column) + load(p.bias + column);
}
inline V rescaled(const Product& p, const float* sums, int column) { return load(sums) + load(p.bias + column); }

template <Finish F>
inline V finished(const Product& p, V y, long at) {
  if constexpr (F == Finish::relu) return positive(y);
  if constexpr (F == Finish::sigmoid) return sigmoid(y);
  if constexpr (F == Finish::add) return load(p.residual + at) + y;
  if constexpr (F == Finish::gated) return load(p.residual + at) + load(p.gate + at) * y;
  return y;
}

/// By value: stores cannot change a copy, so its pointers stay in registers.
template <Finish F, typename Sum>
void finishBlockAs(const Product p, int row, int rows, int panel, const Sum* block) {
  for (int r = 0; r < rows; ++r) {
    for (int v = 0; v < kPanel; v += W) {
      const int column = panel * kPanel + v;
      const V y = rescaled(p, block + r * kPanel + v, column);
      emit(p.out, row + r, column, finished<F>(p, y, (row + r) * p.finishStride + column));
    }
  }
}

/// block: sums [rows][kPanel].
template <typename Sum>
void finishBlock(const Product& p, int row, int rows, int panel, const Sum* block) {
  switch (p.finish) {
    case Finish::linear: return finishBlockAs<Finish::linear>(p, row, rows, panel, block);
    case Finish::relu: return finishBlockAs<Finish::relu>(p, row, rows, panel, block);
    case Finish::sigmoid: return finishBlockAs<Finish::sigmoid>(p, row, rows, panel, block);
    case Finish::add: return finishBlockAs<Finish::add>(p, row, rows, panel, block);
    case Finish::gated: return finishBlockAs<Finish::gated>(p, row, rows, panel, block);
  }
}

template <int R>
[[gnu::noinline]] void sumBlock(const Product& p, const float* in, int panel, float* block) {
  const float* weights = p.weights + static_cast<long>(panel) * p.inputs * kPanel;
  for (int first = 0; first < kPanel; first += W * kFloatVectors) {
    V acc[R][kFloatVectors] = {};
    for (int k = 0; k < p.inputs; ++k) {
      V w[kFloatVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kFloatVectors; ++v) w[v] = load(weights + k * kPanel + first + v * W);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
        const V x = in[r * p.stride + k] - V{};
#pragma GCC unroll 4
        for (int v = 0; v < kFloatVectors; ++v) acc[r][v] += x * w[v];
      }
    }
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
      for (int v = 0; v < kFloatVectors; ++v) store(block + r * kPanel + first + v * W, acc[r][v]);
    }
  }
}

template <int R>
[[gnu::noinline]] void sumBlock(const Product& p, const unsigned char* in, int panel, int* block) {
  const signed char* weights = p.weightsInt8 + static_cast<long>(panel) * p.inputs * kPanel;
  const int* start = p.start + panel * kPanel;
  for (int first = 0; first < kPanel; first += W * kDotVectors) {
    M acc[R][kDotVectors];
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
      for (int v = 0; v < kDotVectors; ++v) acc[r][v] = loadInt(start + first + v * W);
    }
    for (int k = 0; k < p.inputs; k += 4) {
      DotWeights w[kDotVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kDotVectors; ++v) w[v] = dotWeights(weights + k * kPanel + (first + v * W) * 4);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
        const DotInputs x = dotInputs(in + r * p.stride + k);
#pragma GCC unroll 4
        for (int v = 0; v < kDotVectors; ++v) acc[r][v] = dot(acc[r][v], x, w[v]);
      }
    }
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
      for (int v = 0; v < kDotVectors; ++v) storeInt(block + r * kPanel + first + v * W, acc[r][v]);
    }
  }
}

/// The last, smaller block of rows.
template <int R, typename In, typename Sum>
void sumRows(const Product& p, int rows, const In* in, int panel, Sum* block) {
  if constexpr (R > 0) {
    if (rows == R) return sumBlock<R>(p, in, panel, block);
    sumRows<R - 1>(p, rows, in, panel, block);
  }
}

template <int R, typename In, typename Sum>
void multiply(const Product& p, const In* in) {
  alignas(64) Sum block[R * kPanel];
  for (int panel = 0; panel < p.panels; ++panel) {
    for (int row = 0; row < p.rows; row += R) {
      const int rows = p.rows - row < R ? p.rows - row : R;
      sumRows<R>(p, rows, in + row * p.stride, panel, block);
      finishBlock(p, row, rows, panel, block);
    }
  }
}

void productF32(const Product& p) { multiply<kFloatRows, float, float>(p, p.values); }

#if !defined(__AMX_INT8__)
void productInt8(const Product& p) { multiply<kDotRows, unsigned char, int>(p, p.quantized); }
#endif

}  // namespace
