// SPDX-License-Identifier: MIT
#include "device/warp.cuh"
#include "finite.cuh"
#include "ops.hpp"
#include "reproject.cuh"
#include "runtime/launch.hpp"

namespace qpvo::cuda {

namespace {

constexpr int kThreads = 128;
constexpr int kSelectThreads = 512;
constexpr int kBins = 256;

struct HealthTask {
  PairTables pairs;
  const std::int32_t* asked;  ///< [count] pairs
  const PairMotion* motion;
  Lens lens;
  const float *patchX, *patchY, *inverseDepth;
  const float2 *centre, *delta, *weight;
  float width, height, margin, inlierThreshold, minConfidence;
  int count, patches, patchStride;
  float* confidence;  ///< [count][patches]
  double* sums;       ///< [count][kHealthSums]
  Health* answer;
};

/// A block per pair that is asked about, a thread per edge.
__global__ void __launch_bounds__(kThreads) edgeKernel(HealthTask t) {
  __shared__ double warps[kWarp];
  const std::size_t place = blockIdx.x;
  const int p = t.asked[place];
  double weight = 0, residual = 0, inliers = 0;
  for (int k = static_cast<int>(threadIdx.x); k < t.patches; k += kThreads) {
    const std::size_t e = static_cast<std::size_t>(p) * t.patches + k, i = static_cast<std::size_t>(t.pairs.source[p]) * t.patchStride + k;
    float x, y;
    project(t.lens, t.motion[p], t.patchX[i], t.patchY[i], t.inverseDepth[i], x, y);
    const float confidence = 0.5f * (t.weight[e].x + t.weight[e].y);
    const float dx = t.centre[e].x + t.delta[e].x - x, dy = t.centre[e].y + t.delta[e].y - y, r = sqrtf(dx * dx + dy * dy);
    const bool inside = x > -t.margin && y > -t.margin && x < t.width + t.margin && y < t.height + t.margin;
    t.confidence[place * t.patches + k] = isFinite(confidence) ? confidence : 0.f;
    if (!(confidence >= t.minConfidence) || !isFinite(r) || !inside) continue;
    weight += confidence;
    residual += static_cast<double>(confidence) * r;
    inliers += r < t.inlierThreshold;
  }
  weight = blockSum<kThreads>(weight, warps);
  residual = blockSum<kThreads>(residual, warps);
  inliers = blockSum<kThreads>(inliers, warps);
  if (threadIdx.x != 0) return;
  double* out = t.sums + place * kHealthSums;
  out[0] = weight;
  out[1] = residual;
  out[2] = inliers;
}

/// Bits whose order as unsigned numbers is that of the floats.
__device__ unsigned orderedBits(float value) {
  const unsigned bits = static_cast<unsigned>(__float_as_int(value));
  return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}

__device__ float fromOrderedBits(unsigned bits) { return __int_as_float(static_cast<int>((bits & 0x80000000u) != 0 ? bits & 0x7fffffffu : ~bits)); }

/// The confidence that `rank` others stand before, by its bits from the highest byte down: each round counts the next byte of those that share the bytes found.
__device__ float selectConfidence(const HealthTask& t, int rank) {
  __shared__ int bins[kBins];
  __shared__ unsigned foundBits;
  __shared__ int restRank;
  const int thread = static_cast<int>(threadIdx.x), edges = t.count * t.patches;
  if (thread == 0) {
    foundBits = 0;
    restRank = rank;
  }
  for (int shift = 24; shift >= 0; shift -= 8) {
    for (int i = thread; i < kBins; i += kSelectThreads) bins[i] = 0;
    __syncthreads();
    const unsigned prefix = foundBits, mask = shift == 24 ? 0 : 0xffffffffu << (shift + 8);
    for (int e = thread; e < edges; e += kSelectThreads) {
      const unsigned bits = orderedBits(t.confidence[e]);
      if ((bits & mask) == prefix) atomicAdd(&bins[bits >> shift & 0xffu], 1);
    }
    __syncthreads();
    if (thread == 0) {
      int bin = 0;
      while (restRank >= bins[bin]) restRank -= bins[bin++];
      foundBits = prefix | static_cast<unsigned>(bin) << shift;
    }
    __syncthreads();
  }
  return fromOrderedBits(foundBits);
}

/// One block: the sums of the pairs, each thread's in their order.
__global__ void __launch_bounds__(kSelectThreads) answerKernel(HealthTask t) {
  __shared__ double warps[kWarp];
  double sums[kHealthSums] = {};
  for (int p = static_cast<int>(threadIdx.x); p < t.count; p += kSelectThreads) {
    for (int i = 0; i < kHealthSums; ++i) sums[i] += t.sums[static_cast<std::size_t>(p) * kHealthSums + i];
  }
  for (int i = 0; i < kHealthSums; ++i) sums[i] = blockSum<kSelectThreads>(sums[i], warps);
  const int edges = t.count * t.patches;
  if (edges == 0) {
    if (threadIdx.x == 0) *t.answer = {0, 0, 0, 0};
    return;
  }
  const float median = selectConfidence(t, edges / 2);
  if (threadIdx.x == 0) *t.answer = {median, sums[0] > 0 ? static_cast<float>(sums[1] / sums[0]) : 0.f, static_cast<float>(sums[2]) / static_cast<float>(edges), edges};
}

/// The pairs whose flag is set, those of a frame with itself left out: a question is mostly about few of them. Returns how many.
int uploadAsked(DeviceState& state, int count, const std::uint8_t* flags, std::int32_t* onDevice, cudaStream_t stream) {
  const std::int32_t* source = state.pairsHost();
  const std::int32_t* target = source + state.options.maxPairs;
  auto* held = reinterpret_cast<std::int32_t*>(state.staging.reserve(count * sizeof(std::int32_t), stream));
  int asked = 0;
  for (int p = 0; p < count; ++p) {
    if (flags[p] != 0 && source[p] != target[p]) held[asked++] = p;
  }
  upload(onDevice, held, asked, stream);
  return asked;
}

}  // namespace

void assessHealth(DeviceState& state, int question, int count, const std::uint8_t* flags, float inlierThreshold, float minConfidence, float margin, cudaStream_t stream) {
  const Options& o = state.options;
  std::int32_t* onDevice = state.healthPairs.data() + static_cast<std::size_t>(question) * o.maxPairs;
  const int asked = uploadAsked(state, count, flags, onDevice, stream);
  relateFrames(state, stream);
  const HealthTask task{state.pairs(),
                        onDevice,
                        state.pairMotion.data(),
                        lensOf(o),
                        state.patchX.data(),
                        state.patchY.data(),
                        state.inverseDepth.data(),
                        reinterpret_cast<const float2*>(state.centre.data()),
                        reinterpret_cast<const float2*>(state.delta.data()),
                        reinterpret_cast<const float2*>(state.weight.data()),
                        static_cast<float>(state.gridWidth),
                        static_cast<float>(state.gridHeight),
                        margin,
                        inlierThreshold,
                        minConfidence,
                        asked,
                        o.patches,
                        state.patchStride,
                        state.healthConfidence.data(),
                        state.healthSums.data(),
                        state.healthAnswers.data() + question};
  if (asked > 0) launch("assessHealth: edges", edgeKernel, {.blocksX = static_cast<unsigned>(asked), .threads = kThreads}, stream, task);
  launch("assessHealth: answer", answerKernel, {.blocksX = 1, .threads = kSelectThreads}, stream, task);
}

}  // namespace qpvo::cuda
