// SPDX-License-Identifier: MIT
#include <cuda_fp16.h>

#include <cmath>
#include <cstring>
#include <memory>

#include "cases.hpp"
#include "device/async_copy.cuh"
#include "device/mma.cuh"
#include "device/shared.cuh"
#include "device/warp.cuh"
#include "runtime/graph.hpp"
#include "runtime/launch.hpp"

// The building blocks of the kernels against plain loops: layouts of the fragments, ldmatrix, asynchronous copies, reductions, graphs.

namespace qpvo::gpu {

namespace {

using namespace qpvo::cuda;

constexpr int kRows = 16, kColumns = 8, kRowBytes = 32;

/// How the fragments come to the registers: by the layout written in mma.cuh, or by ldmatrix.
enum class Loading { words, matrices, transposed };

template <class Fragment, int REGISTERS>
__device__ void loadWords(Fragment& fragment, const unsigned* rows) {
  const int g = laneIndex() / 4, t = laneIndex() % 4;
  for (int r = 0; r < REGISTERS; ++r) {
    const int row = REGISTERS == 4 ? g + r % 2 * 8 : g, word = REGISTERS == 4 ? t + r / 2 * 4 : t + r * 4;
    fragment.x[r] = rows[row * (kRowBytes / 4) + word];
  }
}

/// One warp. a: 16 rows of 32 bytes along k; b: 8 columns of 32 bytes along k, or for Loading::transposed 16 rows of 8 halves along n. c [16][8].
template <class A, class B, class C, auto PRODUCT, class T>
__device__ void multiply(const unsigned* a, const unsigned* b, T* c, Loading loading) {
  __shared__ uint4 sharedA[kRows * kRowBytes / 16], sharedB[kColumns * kRowBytes / 16];
  const int lane = laneIndex();
  sharedA[lane] = reinterpret_cast<const uint4*>(a)[lane];
  if (lane < kColumns * kRowBytes / 16) sharedB[lane] = reinterpret_cast<const uint4*>(b)[lane];
  __syncthreads();
  A left;
  B right;
  if (loading == Loading::words) {
    loadWords<A, 4>(left, reinterpret_cast<const unsigned*>(sharedA));
    loadWords<B, 2>(right, reinterpret_cast<const unsigned*>(sharedB));
  } else {
    loadMatrix4(left.x, sharedA + lane % 16 * 2 + lane / 16);
    if (loading == Loading::matrices) {
      loadMatrix2(right.x, sharedB + lane % 8 * 2 + lane / 8 % 2);
    } else {
      loadMatrix2Transposed(right.x, sharedB + lane % 16);
    }
  }
  C sums{};
  PRODUCT(sums, left, right);
  PRODUCT(sums, left, right);
  for (int r = 0; r < 4; ++r) c[(lane / 4 + r / 2 * 8) * kColumns + lane % 4 * 2 + r % 2] = sums.x[r];
}

__global__ void multiplyHalves(const unsigned* a, const unsigned* b, float* c, Loading loading) { multiply<AHalf, BHalf, CFloat, mma>(a, b, c, loading); }
__global__ void multiplySigned(const unsigned* a, const unsigned* b, int* c, Loading loading) { multiply<AByte, BByte, CInt, mmaSigned>(a, b, c, loading); }
__global__ void multiplyUnsigned(const unsigned* a, const unsigned* b, int* c, Loading loading) { multiply<AByte, BByte, CInt, mmaUnsigned>(a, b, c, loading); }

std::vector<unsigned> words(const void* data, std::size_t bytes) {
  std::vector<unsigned> packed(bytes / 4);
  std::memcpy(packed.data(), data, bytes);
  return packed;
}

template <class T>
std::vector<T> product(Context& context, void (*kernel)(const unsigned*, const unsigned*, T*, Loading), const void* a, const void* b, Loading loading) {
  const auto deviceA = onDevice(context, words(a, kRows * kRowBytes)), deviceB = onDevice(context, words(b, kColumns * kRowBytes));
  DeviceBuffer<T> c(kRows * kColumns);
  launch("mma", kernel, {.blocksX = 1, .threads = kWarp}, context.stream(), deviceA.data(), deviceB.data(), c.data(), loading);
  return onHost(context, c);
}

void checkHalves(Context& context, Comparison& comparison, Loading loading) {
  constexpr int depth = 16;
  Random random(1);
  __half a[kRows][depth], b[kColumns][depth], bTransposed[depth][kColumns];
  for (auto& row : a) {
    for (auto& value : row) value = __float2half_rn(random.uniform(-1, 1));
  }
  for (int column = 0; column < kColumns; ++column) {
    for (int k = 0; k < depth; ++k) bTransposed[k][column] = b[column][k] = __float2half_rn(random.uniform(-1, 1));
  }
  std::vector<float> expected;
  for (const auto& row : a) {
    for (const auto& column : b) {
      double sum = 0.0;
      for (int k = 0; k < depth; ++k) sum += 2.0 * __half2float(row[k]) * __half2float(column[k]);
      expected.push_back(static_cast<float>(sum));
    }
  }
  const void* const right = loading == Loading::transposed ? static_cast<const void*>(bTransposed) : b;
  comparison.close("C", product(context, multiplyHalves, a, right, loading), expected);
}

template <class A>
void checkBytes(Context& context, Comparison& comparison, Loading loading, void (*kernel)(const unsigned*, const unsigned*, int*, Loading)) {
  constexpr int depth = 32;
  Random random(2);
  A a[kRows][depth];
  std::int8_t b[kColumns][depth];
  for (auto& row : a) {
    for (auto& value : row) value = static_cast<A>(random.bits());
  }
  for (auto& column : b) {
    for (auto& value : column) value = static_cast<std::int8_t>(random.bits());
  }
  std::vector<int> expected;
  for (const auto& row : a) {
    for (const auto& column : b) {
      int sum = 0;
      for (int k = 0; k < depth; ++k) sum += 2 * row[k] * column[k];
      expected.push_back(sum);
    }
  }
  comparison.same("C", product(context, kernel, a, b, loading), expected);
}

constexpr int kThreads = 128;

/// Sums and largest values of chunks of kThreads, the values fetched asynchronously: out [blocks][2]. bytes of the last chunk beyond count are zeros.
__global__ void reduceChunks(const float* values, int count, float* out) {
  __shared__ float partial[kWarp];
  auto* const chunk = dynamicShared<float>();
  const int first = static_cast<int>(blockIdx.x) * kThreads, thread = static_cast<int>(threadIdx.x);
  if (thread < kThreads / 4) {
    const bool inside = first + 4 * thread < count;
    copyAsync16(chunk + 4 * thread, values + (inside ? first + 4 * thread : 0), inside);
  }
  commitCopies();
  waitCopies<0>();
  __syncthreads();
  const float sum = blockSum<kThreads>(chunk[thread], partial), most = blockMax<kThreads>(chunk[kThreads - 1 - thread], partial);
  if (thread == 0) {
    out[2 * blockIdx.x] = sum;
    out[2 * blockIdx.x + 1] = most;
  }
}

void checkReduction(Context& context, Comparison& comparison, int count) {
  Random random(3);
  const auto values = random.uniforms(static_cast<std::size_t>(count), -1, 1);
  const unsigned blocks = blocksFor(values.size(), kThreads);
  std::vector<float> expected;
  for (unsigned block = 0; block < blocks; ++block) {
    double sum = 0.0;
    float most = -2.0f;
    for (std::size_t i = block * std::size_t{kThreads}; i < (block + std::size_t{1}) * kThreads; ++i) {
      const float value = i < values.size() ? values[i] : 0.0f;
      sum += value;
      most = std::fmax(most, value);
    }
    expected.push_back(static_cast<float>(sum));
    expected.push_back(most);
  }
  const auto input = onDevice(context, values);
  DeviceBuffer<float> out(2 * std::size_t{blocks});
  Graph graph;
  const Shape shape{.blocksX = blocks, .threads = kThreads, .sharedBytes = kThreads * sizeof(float)};
  const auto reduce = [&] { launch("reduce", reduceChunks, shape, context.stream(), input.data(), count, out.data()); };
  reduce();  // loads the kernel, which a recording may not
  graph.capture(context.stream(), reduce);
  for (int replay = 0; replay < 2; ++replay) {
    out.zero(context.stream());
    graph.replay(context.stream());
    comparison.close("sums and maxima", onHost(context, out), expected);
  }
}

/// Out of lane i the values of lane i + 1 (of the same half), of lane i ^ 5, and of lane 7; and whether any, all, and which lanes have odd ones. out [32][6].
__global__ void exchange(const int* values, int* out) {
  const int lane = laneIndex(), value = values[lane];
  int* const mine = out + 6 * lane;
  mine[0] = __shfl_down_sync(kAllLanes, value, 1, 16);
  mine[1] = __shfl_xor_sync(kAllLanes, value, 5);
  mine[2] = __shfl_sync(kAllLanes, value, 7);
  mine[3] = __any_sync(kAllLanes, value % 2);
  mine[4] = __all_sync(kAllLanes, value % 2);
  mine[5] = static_cast<int>(__ballot_sync(kAllLanes, value % 2));
}

void checkExchange(Context& context, Comparison& comparison) {
  Random random(4);
  std::vector<int> values(kWarp), expected;
  unsigned odd = 0;
  for (int lane = 0; lane < kWarp; ++lane) {
    values[lane] = random.integer(0, 99);
    odd |= static_cast<unsigned>(values[lane] % 2) << lane;
  }
  for (int lane = 0; lane < kWarp; ++lane) {
    expected.insert(expected.end(), {values[lane % 16 == 15 ? lane : lane + 1], values[lane ^ 5], values[7], odd != 0, odd == ~0u, static_cast<int>(odd)});
  }
  const auto input = onDevice(context, values);
  DeviceBuffer<int> out(6 * kWarp);
  launch("exchange", exchange, {.blocksX = 1, .threads = kWarp}, context.stream(), input.data(), out.data());
  comparison.same("values of other lanes", onHost(context, out), expected);
}

/// Every half to float and back, and floats to halves.
__global__ void convert(float* decoded, unsigned short* again, const float* values, unsigned short* rounded) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  decoded[i] = __half2float(__ushort_as_half(static_cast<unsigned short>(i)));
  again[i] = __half_as_ushort(__float2half_rn(decoded[i]));
  rounded[i] = __half_as_ushort(__float2half_rn(values[i]));
}

/// By the definition of binary16: the nearest multiple of the unit at this magnitude, ties to even, infinity from 65520 on.
double nearestHalf(double value) {
  const double magnitude = std::abs(value);
  const double unit = std::ldexp(1.0, std::max(-24, magnitude == 0.0 ? -24 : std::ilogb(magnitude) - 10));
  const double rounded = std::nearbyint(magnitude / unit) * unit;
  return std::copysign(rounded >= 65536.0 ? INFINITY : rounded, value);
}

void checkHalfConversions(Context& context, Comparison& comparison) {
  constexpr std::size_t count = 65536;
  Random random(5);
  std::vector<float> values(count);
  for (float& value : values) value = std::ldexp(random.uniform(-1, 1), random.integer(-28, 17));
  const auto input = onDevice(context, values);
  DeviceBuffer<float> decoded(count);
  DeviceBuffer<unsigned short> again(count), rounded(count);
  launch("convert", convert, {.blocksX = count / 256, .threads = 256}, context.stream(), decoded.data(), again.data(), input.data(), rounded.data());
  const auto all = onHost(context, decoded);
  const auto back = onHost(context, again), nearest = onHost(context, rounded);
  std::vector<float> actual, expected;
  bool kept = true;
  for (std::size_t i = 0; i < count; ++i) {
    const unsigned exponent = i >> 10 & 0x1f, mantissa = i & 0x3ff;
    const double sign = i >> 15 != 0 ? -1.0 : 1.0;
    kept &= std::isnan(all[i]) || back[i] == i;
    expected.push_back(exponent == 31 ? (mantissa == 0 ? static_cast<float>(sign) * INFINITY : NAN)
                                      : static_cast<float>(sign * std::ldexp(exponent == 0 ? mantissa : mantissa + 1024.0, exponent == 0 ? -24 : static_cast<int>(exponent) - 25)));
    actual.push_back(all[nearest[i]]);
  }
  comparison.holds("every half is the same after a way through float", kept);
  comparison.close("halves as floats", all, expected);
  for (std::size_t i = 0; i < count; ++i) expected[i] = static_cast<float>(nearestHalf(values[i]));
  comparison.close("floats as halves", actual, expected);
}

const Rows rows([](Table& table) {
  const char* const exact = "exact";
  for (const auto& [loading, name] : {std::pair{Loading::words, "by words"}, std::pair{Loading::matrices, "by ldmatrix"}, std::pair{Loading::transposed, "by transposing ldmatrix"}}) {
    const auto how = loading;
    table.push_back({"device", std::string("halves ") + name, 4e-6, "16 products of numbers up to 1, twice, summed in fp32; tensor cores may cut bits below the largest summand",
                     [how](Context& context, Comparison& comparison) { checkHalves(context, comparison, how); }, {}});
    if (loading == Loading::transposed) continue;
    table.push_back({"device", std::string("signed bytes ") + name, 0, exact,
                     [how](Context& context, Comparison& comparison) { checkBytes<std::int8_t>(context, comparison, how, multiplySigned); }, {}});
    table.push_back({"device", std::string("unsigned by signed bytes ") + name, 0, exact,
                     [how](Context& context, Comparison& comparison) { checkBytes<std::uint8_t>(context, comparison, how, multiplyUnsigned); }, {}});
  }
  for (const int count : {0, 4, 100, 128, 1000}) {
    table.push_back({"device", "reduction of " + std::to_string(count) + ", from a graph", 4e-6, "sums of 128 numbers up to 1 in fp32",
                     [count](Context& context, Comparison& comparison) { checkReduction(context, comparison, count); }, {}});
  }
  table.push_back({"device", "exchange within a warp", 0, exact, checkExchange, {}});
  table.push_back({"device", "halves and floats", 0, exact, checkHalfConversions, {}});
});

}  // namespace

}  // namespace qpvo::gpu
