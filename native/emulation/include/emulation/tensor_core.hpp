// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "block.hpp"

// What mma.cuh does with one instruction each. The layouts of the fragments are said there.

namespace qpvo::emulation {

/// Of one lane; the arrays are the lane's registers.
struct MatrixProduct {
  void* c;
  const unsigned *a, *b;
};
struct MatrixLoad {
  unsigned* registers;
  int count;
  bool transposed;
  const void* row;
};

void multiplyHalves(void* const* lanes);
template <class A>
void multiplyBytes(void* const* lanes);
extern template void multiplyBytes<std::int8_t>(void* const* lanes);
extern template void multiplyBytes<std::uint8_t>(void* const* lanes);
void loadRows(void* const* lanes);

inline void mmaHalf(float* c, const unsigned* a, const unsigned* b, const Site& site = Site::current()) {
  MatrixProduct mine{c, a, b};
  collective("mma", site, &mine, multiplyHalves);
}

template <class A>
void mmaBytes(int* c, const unsigned* a, const unsigned* b, const Site& site = Site::current()) {
  MatrixProduct mine{c, a, b};
  collective("mma of bytes", site, &mine, multiplyBytes<A>);
}

template <int COUNT>
void loadMatrices(unsigned (&registers)[COUNT], const void* row, bool transposed, const Site& site = Site::current()) {
  MatrixLoad mine{registers, COUNT, transposed, row};
  collective("ldmatrix", site, &mine, loadRows);
}

}  // namespace qpvo::emulation
