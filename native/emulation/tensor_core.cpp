// SPDX-License-Identifier: MIT
#include "emulation/tensor_core.hpp"

#include <cstring>

#include "cuda_fp16.h"
#include "emulation/intrinsics.hpp"

namespace qpvo::emulation {

namespace {

constexpr int kRows = 16, kColumns = 8;

const MatrixProduct& product(void* const* lanes, int lane) { return *static_cast<const MatrixProduct*>(lanes[lane]); }

/// Matrices as rows of 32 bytes along k: register r of lane (g, t) is the word t + 4 (r / 2) of row g + 8 (r % 2) of A, the word t + 4 r of row g of B's transpose.
struct Operands {
  unsigned a[kRows][8], b[kColumns][8];
  explicit Operands(void* const* lanes) {
    for (int lane = 0; lane < warpSize; ++lane) {
      const int g = lane / 4, t = lane % 4;
      for (int r = 0; r < 4; ++r) a[g + r % 2 * 8][t + r / 2 * 4] = product(lanes, lane).a[r];
      for (int r = 0; r < 2; ++r) b[g][t + r * 4] = product(lanes, lane).b[r];
    }
  }
};

/// C, of which register r of lane (g, t) is row g + 8 (r / 2), column 2 t + r % 2.
template <class C>
C& element(void* const* lanes, int row, int column) {
  const int lane = row % 8 * 4 + column / 2;
  return static_cast<C*>(product(lanes, lane).c)[row / 8 * 2 + column % 2];
}

}  // namespace

void vote(void* const* lanes) {
  unsigned bits = 0;
  for (int lane = 0; lane < warpSize; ++lane) bits |= static_cast<unsigned>(static_cast<const Vote*>(lanes[lane])->value) << lane;
  for (int lane = 0; lane < warpSize; ++lane) static_cast<Vote*>(lanes[lane])->result = bits;
}

void requireAllLanes(unsigned mask) {
  if (mask != ~0u) fail("gives a warp function the mask " + std::to_string(mask) + "; expected all 32 lanes.");
}

void multiplyHalves(void* const* lanes) {
  const Operands operands(lanes);
  constexpr int depth = 16;
  float a[kRows][depth], b[kColumns][depth];
  const auto convert = [](const unsigned* words, float* values) {
    for (int k = 0; k < depth; ++k) values[k] = halfToFloat(static_cast<std::uint16_t>(words[k / 2] >> (16 * (k % 2))));
  };
  for (int row = 0; row < kRows; ++row) convert(operands.a[row], a[row]);
  for (int column = 0; column < kColumns; ++column) convert(operands.b[column], b[column]);
  for (int row = 0; row < kRows; ++row) {
    for (int column = 0; column < kColumns; ++column) {
      float sum = 0.0f;
      for (int k = 0; k < depth; ++k) sum += a[row][k] * b[column][k];
      element<float>(lanes, row, column) += sum;
    }
  }
}

template <class A>
void multiplyBytes(void* const* lanes) {
  const Operands operands(lanes);
  constexpr int depth = 32;
  for (int row = 0; row < kRows; ++row) {
    A a[depth];
    std::memcpy(a, operands.a[row], sizeof(a));
    for (int column = 0; column < kColumns; ++column) {
      std::int8_t b[depth];
      std::memcpy(b, operands.b[column], sizeof(b));
      int sum = 0;
      for (int k = 0; k < depth; ++k) sum += a[k] * b[k];
      element<int>(lanes, row, column) += sum;
    }
  }
}
template void multiplyBytes<std::int8_t>(void* const* lanes);
template void multiplyBytes<std::uint8_t>(void* const* lanes);

void loadRows(void* const* lanes) {
  constexpr int kHalves = 8;
  std::uint16_t rows[warpSize][kHalves];
  const int count = static_cast<const MatrixLoad*>(lanes[0])->count;
  for (int lane = 0; lane < 8 * count; ++lane) {
    const void* const row = static_cast<const MatrixLoad*>(lanes[lane])->row;
    if (reinterpret_cast<std::uintptr_t>(row) % 16 != 0) fail("reads by ldmatrix a row whose address is not a multiple of 16.");
    std::memcpy(rows[lane], row, sizeof(rows[lane]));
  }
  for (int lane = 0; lane < warpSize; ++lane) {
    const auto& load = *static_cast<const MatrixLoad*>(lanes[lane]);
    const int g = lane / 4, t = lane % 4;
    for (int j = 0; j < count; ++j) {
      const unsigned low = load.transposed ? rows[8 * j + 2 * t][g] : rows[8 * j + g][2 * t];
      const unsigned high = load.transposed ? rows[8 * j + 2 * t + 1][g] : rows[8 * j + g][2 * t + 1];
      load.registers[j] = high << 16 | low;
    }
  }
}

}  // namespace qpvo::emulation
