// SPDX-License-Identifier: MIT
#pragma once

#include <cuda_runtime.h>

// Matrix products of one warp on tensor cores, C += A B: D = A B + C of `mma.sync` in place (PTX ISA, "Matrix multiply-accumulate operation using
// mma instruction"). All 32 lanes call together. Of a lane, g = lane / 4 and t = lane % 4. A register of A or B holds neighbours along k, the first in the low bits.
//
//   m16n8k16, halves (section "Matrix Fragments for mma.m16n8k16 with floating point type"); register x[i] holds columns k, k + 1
//     A [16][16]:  x[0] row g, k = 2 t    x[1] row g + 8, k = 2 t    x[2] row g, k = 2 t + 8    x[3] row g + 8, k = 2 t + 8
//     B [16][8] :  x[0] column g, k = 2 t                            x[1] column g, k = 2 t + 8
//   m16n8k32, bytes ("Matrix Fragments for mma.m16n8k32"); register x[i] holds columns k .. k + 3
//     A [16][32]:  x[0] row g, k = 4 t    x[1] row g + 8, k = 4 t    x[2] row g, k = 4 t + 16   x[3] row g + 8, k = 4 t + 16
//     B [32][8] :  x[0] column g, k = 4 t                            x[1] column g, k = 4 t + 16
//   C [16][8], both:  x[0] row g, column 2 t    x[1] row g, column 2 t + 1    x[2] row g + 8, column 2 t    x[3] row g + 8, column 2 t + 1
//
// So in memory where a row is 16 halves or 32 bytes along k, A and B have the same layout in bytes: register x[.] of lane (g, t) is the word t (+ 4) of row g (+ 8).
// loadMatrix4 on rows 0-15 of A (addresses as said there) gives x[0..3], loadMatrix2 on the 8 columns of B stored as rows along k gives x[0..1].

namespace qpvo::cuda {

struct AHalf {
  unsigned x[4];
};
struct BHalf {
  unsigned x[2];
};
struct CFloat {
  float x[4];
};
struct AByte {
  unsigned x[4];
};
struct BByte {
  unsigned x[2];
};
struct CInt {
  int x[4];
};

#ifdef QPVO_CUDA_EMULATION

inline void mma(CFloat& c, const AHalf& a, const BHalf& b) { emulation::mmaHalf(c.x, a.x, b.x); }
inline void mmaSigned(CInt& c, const AByte& a, const BByte& b) { emulation::mmaBytes<std::int8_t>(c.x, a.x, b.x); }
inline void mmaUnsigned(CInt& c, const AByte& a, const BByte& b) { emulation::mmaBytes<std::uint8_t>(c.x, a.x, b.x); }
inline void loadMatrix4(unsigned (&r)[4], const void* sharedRow) { emulation::loadMatrices(r, sharedRow, false); }
inline void loadMatrix2(unsigned (&r)[2], const void* sharedRow) { emulation::loadMatrices(r, sharedRow, false); }
inline void loadMatrix4Transposed(unsigned (&r)[4], const void* sharedRow) { emulation::loadMatrices(r, sharedRow, true); }
inline void loadMatrix2Transposed(unsigned (&r)[2], const void* sharedRow) { emulation::loadMatrices(r, sharedRow, true); }

#else

/// Halves with sums in fp32.
__device__ __forceinline__ void mma(CFloat& c, const AHalf& a, const BHalf& b) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(c.x[0]), "+f"(c.x[1]), "+f"(c.x[2]), "+f"(c.x[3])
               : "r"(a.x[0]), "r"(a.x[1]), "r"(a.x[2]), "r"(a.x[3]), "r"(b.x[0]), "r"(b.x[1]));
}

/// Signed bytes by signed bytes, exact.
__device__ __forceinline__ void mmaSigned(CInt& c, const AByte& a, const BByte& b) {
  asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+r"(c.x[0]), "+r"(c.x[1]), "+r"(c.x[2]), "+r"(c.x[3])
               : "r"(a.x[0]), "r"(a.x[1]), "r"(a.x[2]), "r"(a.x[3]), "r"(b.x[0]), "r"(b.x[1]));
}

/// Unsigned bytes (A) by signed bytes (B), exact.
__device__ __forceinline__ void mmaUnsigned(CInt& c, const AByte& a, const BByte& b) {
  asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+r"(c.x[0]), "+r"(c.x[1]), "+r"(c.x[2]), "+r"(c.x[3])
               : "r"(a.x[0]), "r"(a.x[1]), "r"(a.x[2]), "r"(a.x[3]), "r"(b.x[0]), "r"(b.x[1]));
}

/// Matrices of 8 rows of 16 bytes from shared memory, `ldmatrix` (PTX ISA, "Warp-level matrix load instruction: ldmatrix"). Lane 8 j + i gives the address, on 16 bytes, of
/// row i of matrix j (x2: lanes 16 to 31 are not asked, but give a valid address too); register j then holds word t of row g of matrix j. For A: lane l gives row l % 16, at
/// byte 16 (l / 16). For B stored as [n][k]: lane l gives row l % 8, at byte 16 (l / 8 % 2).
__device__ __forceinline__ void loadMatrix4(unsigned (&r)[4], const void* sharedRow) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(static_cast<unsigned>(__cvta_generic_to_shared(sharedRow)))
               : "memory");
}

__device__ __forceinline__ void loadMatrix2(unsigned (&r)[2], const void* sharedRow) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];"
               : "=r"(r[0]), "=r"(r[1])
               : "r"(static_cast<unsigned>(__cvta_generic_to_shared(sharedRow)))
               : "memory");
}

/// The same of 8 x 8 halves each, transposed: register j of lane (g, t) holds the halves of rows 2 t and 2 t + 1 in column g. For B stored as [k][n], n along the row.
__device__ __forceinline__ void loadMatrix4Transposed(unsigned (&r)[4], const void* sharedRow) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(static_cast<unsigned>(__cvta_generic_to_shared(sharedRow)))
               : "memory");
}

__device__ __forceinline__ void loadMatrix2Transposed(unsigned (&r)[2], const void* sharedRow) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];"
               : "=r"(r[0]), "=r"(r[1])
               : "r"(static_cast<unsigned>(__cvta_generic_to_shared(sharedRow)))
               : "memory");
}

#endif

}  // namespace qpvo::cuda
