// SPDX-License-Identifier: MIT
#pragma once

// The vector types of CUDA with their alignment, which its loads and stores rely on.

#define QPVO_VECTOR_TYPES(name, scalar, align2, align4) \
  struct name##1 {                                     \
    scalar x;                                          \
  };                                                   \
  struct alignas(align2) name##2 {                     \
    scalar x, y;                                       \
  };                                                   \
  struct name##3 {                                     \
    scalar x, y, z;                                    \
  };                                                   \
  struct alignas(align4) name##4 {                     \
    scalar x, y, z, w;                                 \
  };                                                   \
  inline name##1 make_##name##1(scalar x) { return {x}; }                                                  \
  inline name##2 make_##name##2(scalar x, scalar y) { return {x, y}; }                                     \
  inline name##3 make_##name##3(scalar x, scalar y, scalar z) { return {x, y, z}; }                        \
  inline name##4 make_##name##4(scalar x, scalar y, scalar z, scalar w) { return {x, y, z, w}; }

QPVO_VECTOR_TYPES(char, signed char, 2, 4)
QPVO_VECTOR_TYPES(uchar, unsigned char, 2, 4)
QPVO_VECTOR_TYPES(short, short, 4, 8)
QPVO_VECTOR_TYPES(ushort, unsigned short, 4, 8)
QPVO_VECTOR_TYPES(int, int, 8, 16)
QPVO_VECTOR_TYPES(uint, unsigned int, 8, 16)
QPVO_VECTOR_TYPES(longlong, long long, 16, 16)
QPVO_VECTOR_TYPES(ulonglong, unsigned long long, 16, 16)
QPVO_VECTOR_TYPES(float, float, 8, 16)
QPVO_VECTOR_TYPES(double, double, 16, 16)
#undef QPVO_VECTOR_TYPES

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};
