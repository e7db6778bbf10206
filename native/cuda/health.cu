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
  const QuestionTable* questions;
  const std::int32_t* asked;  ///< pairs, of all questions
  const PairMotion* motion;
  Lens lens;
  const float *patchX, *patchY, *inverseDepth;
  const float2 *centre, *delta, *weight;
  float width, height;
  int patches, patchStride;
  float* confidence;  ///< [asked][patches]
  double* sums;       ///< [asked][kHealthSums]
  Health* answers;
};

/// Of the pair at this place among those that are asked about.
__device__ const HealthQuestion& questionAt(const QuestionTable& table, int place) {
  const HealthQuestion* question = table.health;
  while (place >= question->first + question->count) ++question;
  return *question;
}

/// Blocks take the pairs that are asked about in turn, a thread per edge.
__global__ void __launch_bounds__(kThreads) edgeKernel(HealthTask t) {
  __shared__ double warps[kWarp];
  for (int place = static_cast<int>(blockIdx.x); place < t.questions->pairCount; place += static_cast<int>(gridDim.x)) {
    const HealthQuestion question = questionAt(*t.questions, place);
    const int p = t.asked[place];
    double weight = 0, residual = 0, inliers = 0;
    for (int k = static_cast<int>(threadIdx.x); k < t.patches; k += kThreads) {
      const std::size_t e = static_cast<std::size_t>(p) * t.patches + k, i = static_cast<std::size_t>(t.pairs.source[p]) * t.patchStride + k;
      float x, y;
      project(t.lens, t.motion[p], t.patchX[i], t.patchY[i], t.inverseDepth[i], x, y);
      const float confidence = 0.5f * (t.weight[e].x + t.weight[e].y), margin = question.margin;
      const float dx = t.centre[e].x + t.delta[e].x - x, dy = t.centre[e].y + t.delta[e].y - y, r = sqrtf(dx * dx + dy * dy);
      const bool inside = x > -margin && y > -margin && x < t.width + margin && y < t.height + margin;
      t.confidence[static_cast<std::size_t>(place) * t.patches + k] = isFinite(confidence) ? confidence : 0.f;
      if (!(confidence >= question.minConfidence) || !isFinite(r) || !inside) continue;
      weight += confidence;
      residual += static_cast<double>(confidence) * r;
      inliers += r < question.inlierThreshold;
    }
    weight = blockSum<kThreads>(weight, warps);
    residual = blockSum<kThreads>(residual, warps);
    inliers = blockSum<kThreads>(inliers, warps);
    if (threadIdx.x != 0) continue;
    double* out = t.sums + static_cast<std::size_t>(place) * kHealthSums;
    out[0] = weight;
    out[1] = residual;
    out[2] = inliers;
  }
}

/// Bits whose order as unsigned numbers is that of the floats.
__device__ unsigned orderedBits(float value) {
  const unsigned bits = static_cast<unsigned>(__float_as_int(value));
  return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}

__device__ float fromOrderedBits(unsigned bits) { return __int_as_float(static_cast<int>((bits & 0x80000000u) != 0 ? bits & 0x7fffffffu : ~bits)); }

/// By one warp, a lane for kBins / 32 bins: the bin of the value that `rank` others stand before, and how many of them stand in the same bin, to its one lane.
template <class Found>
__device__ void findBin(const int* bins, int rank, const Found& found) {
  constexpr int kBinsOfLane = kBins / kWarp;
  const int first = laneIndex() * kBinsOfLane;
  int own = 0;
  for (int i = 0; i < kBinsOfLane; ++i) own += bins[first + i];
  int before = own;  // and in the lanes below
#pragma unroll
  for (int by = 1; by < kWarp; by *= 2) {
    const int below = __shfl_up_sync(kAllLanes, before, by);
    if (laneIndex() >= by) before += below;
  }
  before -= own;
  if (rank < before || rank >= before + own) return;
  int bin = first, rest = rank - before;
  while (rest >= bins[bin]) rest -= bins[bin++];
  found(bin, rest);
}

/// The confidence that `rank` others stand before, by its bits from the highest byte down: each round counts the next byte of those that share the bytes found.
__device__ float selectConfidence(const float* confidence, int edges, int rank) {
  __shared__ int bins[kBins];
  __shared__ unsigned foundBits;
  __shared__ int restRank;
  const int thread = static_cast<int>(threadIdx.x);
  if (thread == 0) {
    foundBits = 0;
    restRank = rank;
  }
  for (int shift = 24; shift >= 0; shift -= 8) {
    for (int i = thread; i < kBins; i += kSelectThreads) bins[i] = 0;
    __syncthreads();
    const unsigned prefix = foundBits, mask = shift == 24 ? 0 : 0xffffffffu << (shift + 8);
    for (int e = thread; e < edges; e += kSelectThreads) {
      const unsigned bits = orderedBits(confidence[e]);
      if ((bits & mask) == prefix) atomicAdd(&bins[bits >> shift & 0xffu], 1);
    }
    __syncthreads();
    if (warpIndex() == 0) {
      findBin(bins, restRank, [&](int bin, int rest) {
        foundBits = prefix | static_cast<unsigned>(bin) << shift;
        restRank = rest;
      });
    }
    __syncthreads();
  }
  return fromOrderedBits(foundBits);
}

/// A block per question: the sums of its pairs, each thread's in their order.
__global__ void __launch_bounds__(kSelectThreads) answerKernel(HealthTask t) {
  __shared__ double warps[kWarp];
  const int number = static_cast<int>(blockIdx.x);
  if (number >= t.questions->healthCount) return;
  const HealthQuestion question = t.questions->health[number];
  const double* of = t.sums + static_cast<std::size_t>(question.first) * kHealthSums;
  double sums[kHealthSums] = {};
  for (int p = static_cast<int>(threadIdx.x); p < question.count; p += kSelectThreads) {
    for (int i = 0; i < kHealthSums; ++i) sums[i] += of[static_cast<std::size_t>(p) * kHealthSums + i];
  }
  for (int i = 0; i < kHealthSums; ++i) sums[i] = blockSum<kSelectThreads>(sums[i], warps);
  const int edges = question.count * t.patches;
  Health* answer = t.answers + number;
  if (edges == 0) {
    if (threadIdx.x == 0) *answer = {0, 0, 0, 0};
    return;
  }
  const float median = selectConfidence(t.confidence + static_cast<std::size_t>(question.first) * t.patches, edges, edges / 2);
  if (threadIdx.x == 0) *answer = {median, sums[0] > 0 ? static_cast<float>(sums[1] / sums[0]) : 0.f, static_cast<float>(sums[2]) / static_cast<float>(edges), edges};
}

}  // namespace

void assessHealth(DeviceState& state, cudaStream_t stream) {
  const Options& o = state.options;
  relateFrames(state, stream);
  const auto* questions = reinterpret_cast<const QuestionTable*>(state.questions.data());
  const HealthTask task{state.pairs(),
                        questions,
                        reinterpret_cast<const std::int32_t*>(questions + 1),
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
                        o.patches,
                        state.patchStride,
                        state.healthConfidence.data(),
                        state.healthSums.data(),
                        state.healthAnswers.data()};
  launch("assessHealth: edges", edgeKernel, {.blocksX = static_cast<unsigned>(o.maxPairs), .threads = kThreads}, stream, task);
  launch("assessHealth: answers", answerKernel, {.blocksX = kQuestions, .threads = kSelectThreads}, stream, task);
}

}  // namespace qpvo::cuda
