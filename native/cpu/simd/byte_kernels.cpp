// SPDX-License-Identifier: MIT
#include "byte_kernels.hpp"

#include "byte_dot.hpp"
#include "correlation_window.hpp"

#define QPVO_NAME2(prefix, isa) prefix##isa
#define QPVO_NAME(prefix, isa) QPVO_NAME2(prefix, isa)
#define QPVO_TEXT2(isa) #isa
#define QPVO_TEXT(isa) QPVO_TEXT2(isa)

namespace {

using qpvo::simd::ByteCorrelationTask;
using qpvo::simd::ByteRow;

constexpr int kVectors = kRaw / L;
/// Rows of the window whose sums stay in registers together.
constexpr int kRows = kRaw / kVectors;
constexpr float kLimit = 127;

/// Products of one patch pixel with the 8x8 map pixels from (x0, y0).
template <int C>
inline void rawWindow(const ByteCorrelationTask& task, int pixel, int x0, int y0, Row raw[kRaw]) {
  const int channels = C > 0 ? C : task.channels;
  const long rowBytes = static_cast<long>(channels) * task.stride, groupBytes = 4L * task.stride;
  const signed char* patch = task.patch + static_cast<long>(pixel) * channels;
  const int excess = task.excess[pixel];
  for (int y = 0; y < kRaw; y += kRows) {
    const unsigned char* first = task.map + (y0 + y) * rowBytes + 4L * x0;
    Lanes acc[kRows][kVectors] = {};
    for (int c = 0; c < channels; c += 4) {
      const PatchBytes p = patchBytes(patch + c);
      const unsigned char* group = first + c / 4 * groupBytes;
      for (int r = 0; r < kRows; ++r) {
        for (int v = 0; v < kVectors; ++v) acc[r][v] = dot(acc[r][v], loadLanes(group + r * rowBytes + 4 * L * v), p);
      }
    }
    for (int r = 0; r < kRows; ++r) {
      FloatLanes out[kVectors];
      for (int v = 0; v < kVectors; ++v) out[v] = __builtin_convertvector(acc[r][v] - excess, FloatLanes) * task.scale;
      __builtin_memcpy(&raw[y + r], out, sizeof out);
    }
  }
}

void correlate(const ByteCorrelationTask& task) {
  withChannels(task.channels, [&task]<int C>(Channels<C>) {
    correlatePixels(task, [&task](int p, int x0, int y0, Row raw[kRaw]) { rawWindow<C>(task, p, x0, y0, raw); });
  });
}

float peak(const float* values, long n) {
  FloatLanes greatest{};
  const auto take = [&greatest](FloatLanes x) {
    const FloatLanes magnitude = reinterpret_cast<FloatLanes>(reinterpret_cast<Lanes>(x) & 0x7fffffff);
    greatest = magnitude > greatest ? magnitude : greatest;
  };
  long i = 0;
  for (; i + L <= n; i += L) take(reinterpret_cast<FloatLanes>(loadLanes(values + i)));
  if (i < n) {
    FloatLanes rest{};
    __builtin_memcpy(&rest, values + i, sizeof(float) * (n - i));
    take(rest);
  }
  float most = 0;
  for (int l = 0; l < L; ++l) most = greatest[l] > most ? greatest[l] : most;
  return most;
}

/// Stored bytes in the lowest bits of the lanes. The sum with 1.5 * 2^23 has the integer, rounded half to even, in its lowest bits.
inline Lanes storedBytes(FloatLanes x, float inverseScale, float least) {
  x *= inverseScale;
  x = x > least ? x : FloatLanes{} + least;
  x = x < kLimit ? x : FloatLanes{} + kLimit;
  return (reinterpret_cast<Lanes>(x + 12582912.0f) - 0x4b400000 + kZero) & 0xff;
}

inline Lanes storedGroup(const ByteRow& row, const float* first, int count) {
  Lanes group{};
  for (int c = 3; c >= 0; --c) {
    FloatLanes x{};
    __builtin_memcpy(&x, first + c * row.planeSize, sizeof(float) * count);
    group = (group << 8) | storedBytes(x, row.inverseScale, -kLimit);
  }
  return group;
}

void quantize(const ByteRow& row) {
  for (int c = 0; c < row.channels; c += 4) {
    const float* in = row.values + c * row.planeSize;
    unsigned char* out = row.out + static_cast<long>(c) * row.stride;
    int x = 0;
    for (; x + L <= row.pixels; x += L) {
      const Lanes group = storedGroup(row, in + x, L);
      __builtin_memcpy(out + 4 * x, &group, sizeof group);
    }
    if (x < row.pixels) {
      const Lanes group = storedGroup(row, in + x, row.pixels - x);
      __builtin_memcpy(out + 4 * x, &group, sizeof(int) * (row.pixels - x));
    }
  }
}

void narrow(const float* values, long n, float inverseScale, unsigned char* out) {
  typedef unsigned char Bytes __attribute__((vector_size(L)));
  const auto narrowed = [inverseScale](FloatLanes x) { return __builtin_convertvector(storedBytes(x, inverseScale, -kLimit - 1), Bytes); };
  long i = 0;
  for (; i + L <= n; i += L) {
    const Bytes bytes = narrowed(reinterpret_cast<FloatLanes>(loadLanes(values + i)));
    __builtin_memcpy(out + i, &bytes, sizeof bytes);
  }
  if (i < n) {
    FloatLanes rest{};
    __builtin_memcpy(&rest, values + i, sizeof(float) * (n - i));
    const Bytes bytes = narrowed(rest);
    __builtin_memcpy(out + i, &bytes, n - i);
  }
}

}  // namespace

namespace qpvo::simd {

const ByteKernels& QPVO_NAME(byteKernelsFor_, QPVO_ISA)();

const ByteKernels& QPVO_NAME(byteKernelsFor_, QPVO_ISA)() {
  static const ByteKernels table = {QPVO_TEXT(QPVO_ISA), kZero, correlate, peak, quantize, narrow};
  return table;
}

}  // namespace qpvo::simd
