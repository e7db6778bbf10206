// SPDX-License-Identifier: MIT
#include "bundle_adjust.hpp"
#include "device/warp.cuh"
#include "runtime/launch.hpp"

namespace qpvo::cuda {

namespace {

constexpr int kGatherThreads = 128;
constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;
constexpr int kMostSlots = 256;       ///< of the largest ring that the options allow
constexpr int kEntries = 36 + 6;  ///< of a block of S, and of y on the diagonal
constexpr int kGroups = kThreads / kEntries;  ///< of threads, which share out what the pairs add to the entries

struct ReduceTask {
  PairTables pairs;
  const std::int32_t* poseVariable;
  const BundleAdjustOptions* options;
  const float* pairDepth;
  const double* pairBlocks;
  float *depthVariance, *depthGradient, *coupling;
  double* system;
  int ringSlots, patches, patchStride;

  __device__ std::size_t row(int slot, int row) const { return couplingRow(slot, row, ringSlots, patchStride); }
};

/// A block per source slot, a thread per patch. linearizePairs wrote the rows of E of its targets; here come its own, summed over its pairs, and zeros in the rest.
__global__ void __launch_bounds__(kGatherThreads) gatherKernel(ReduceTask t) {
  __shared__ std::uint8_t isTarget[kMostSlots];  ///< by pose variable
  const int slot = static_cast<int>(blockIdx.x), thread = static_cast<int>(threadIdx.x), free = t.options->freePoses, own = t.poseVariable[slot];
  const int first = t.pairs.sourceFirst[slot], last = t.pairs.sourceFirst[slot + 1];
  for (int v = thread; v < free; v += kGatherThreads) isTarget[v] = 0;
  __syncthreads();
  for (int e = first + thread; e < last; e += kGatherThreads) {
    const int variable = t.poseVariable[t.pairs.target[t.pairs.bySource[e]]];
    if (variable >= 0) isTarget[variable] = 1;
  }
  __syncthreads();
  for (int k = thread; k < t.patches; k += kGatherThreads) {
    float sums[kPairDepthRows] = {};
#pragma unroll 4
    for (int e = first; e < last; ++e) {
      const float* in = t.pairDepth + static_cast<std::size_t>(t.pairs.bySource[e]) * kPairDepthRows * t.patchStride + k;
#pragma unroll
      for (int r = 0; r < kPairDepthRows; ++r) sums[r] += in[r * t.patchStride];
    }
    const std::size_t patch = static_cast<std::size_t>(slot) * t.patchStride + k;
    t.depthVariance[patch] = 1 / (sums[kDepthHessianRow] + t.options->depthDamping);
    t.depthGradient[patch] = sums[kDepthGradientRow];
    for (int v = 0; v < free; ++v) {
      if (isTarget[v] != 0) continue;
#pragma unroll
      for (int r = 0; r < 6; ++r) t.coupling[t.row(slot, 6 * v + r) + k] = v == own ? sums[kSourceCouplingRow + r] : 0;
    }
  }
}

/// Row and column, a >= b, of the block'th block of a lower triangle.
__device__ void triangleIndex(int block, int& a, int& b) {
  a = static_cast<int>((sqrtf(8.f * static_cast<float>(block) + 1.f) - 1.f) / 2.f);
  while (a * (a + 1) / 2 > block) --a;
  while ((a + 1) * (a + 2) / 2 <= block) ++a;
  b = block - a * (a + 1) / 2;
}

/// sums += rows a of E times Q times rows b of E over the patches of all sources, and, on the diagonal, times u.
__device__ void addSchur(const ReduceTask& t, int a, int b, float sums[kEntries]) {
  const int depths = t.ringSlots * t.patches;
#pragma unroll 2
  for (int i = static_cast<int>(threadIdx.x); i < depths; i += kThreads) {
    const int slot = i / t.patches, k = i % t.patches;
    if (t.pairs.sourceFirst[slot] == t.pairs.sourceFirst[slot + 1]) continue;
    const std::size_t patch = static_cast<std::size_t>(slot) * t.patchStride + k;
    const float q = t.depthVariance[patch], u = t.depthGradient[patch];
    float left[6], right[6];
#pragma unroll
    for (int r = 0; r < 6; ++r) {
      left[r] = t.coupling[t.row(slot, 6 * a + r) + k];
      right[r] = t.coupling[t.row(slot, 6 * b + r) + k] * q;
    }
#pragma unroll
    for (int r = 0; r < 6; ++r) {
#pragma unroll
      for (int c = 0; c < 6; ++c) sums[6 * r + c] += left[r] * right[c];
      sums[36 + r] += right[r] * u;
    }
  }
}

/// Where the block finds what a pair adds to block (a, b) of B: first of the matrix and, on the diagonal, of the gradient in pairBlocks. matrix < 0: nothing.
struct Share {
  int matrix, gradient;
  bool transposed;
};

__device__ Share shareOf(const ReduceTask& t, int p, int a, int b) {
  const int i = t.poseVariable[t.pairs.source[p]], j = t.poseVariable[t.pairs.target[p]], first = p * kPairBlocks;
  if (a == b && j == a) return {first + kBlockTarget, first + kGradientTarget, false};
  if (a == b && i == a) return {first + kBlockSource, first + kGradientSource, false};
  if (a != b && i == a && j == b) return {first + kBlockCross, 0, false};
  if (a != b && i == b && j == a) return {first + kBlockCross, 0, true};
  return {-1, 0, false};
}

/// The shares among the next kThreads pairs, in the order of the pairs, into shared memory. Returns how many.
__device__ int findShares(const ReduceTask& t, int first, int a, int b, Share* shares, int* warpCounts) {
  const int e = first + static_cast<int>(threadIdx.x);
  const Share own = e < t.pairs.sourceFirst[t.ringSlots] ? shareOf(t, t.pairs.bySource[e], a, b) : Share{-1, 0, false};
  const unsigned found = __ballot_sync(kAllLanes, own.matrix >= 0);
  if (laneIndex() == 0) warpCounts[warpIndex()] = __popc(found);
  __syncthreads();
  int before = __popc(found & ((1u << laneIndex()) - 1)), total = 0;
  for (int w = 0; w < kWarps; ++w) {
    before += w < warpIndex() ? warpCounts[w] : 0;
    total += warpCounts[w];
  }
  if (own.matrix >= 0) shares[before] = own;
  __syncthreads();
  return total;
}

/// A block per block (a, b) of the lower triangle of S; a thread per entry at the end.
__global__ void __launch_bounds__(kThreads) reduceKernel(ReduceTask t) {
  __shared__ float warpSums[kWarps][kEntries];
  __shared__ double groupSums[kGroups][kEntries];
  __shared__ Share shares[kThreads];
  __shared__ int warpCounts[kWarps];
  int a, b;
  triangleIndex(static_cast<int>(blockIdx.x), a, b);
  if (a >= t.options->freePoses) return;
  float sums[kEntries] = {};
  addSchur(t, a, b, sums);
#pragma unroll
  for (int i = 0; i < kEntries; ++i) {
    const float total = warpSum(sums[i]);
    if (laneIndex() == 0) warpSums[warpIndex()][i] = total;
  }
  const int thread = static_cast<int>(threadIdx.x), group = thread / kEntries, entry = thread % kEntries, pairs = t.pairs.sourceFirst[t.ringSlots];
  const bool inVector = entry >= 36, isEntry = group < kGroups && (a == b || !inVector);
  const int r = inVector ? entry - 36 : entry / 6, c = entry % 6;
  double value = 0;
  for (int first = 0; first < pairs; first += kThreads) {
    const int found = findShares(t, first, a, b, shares, warpCounts);
#pragma unroll 4
    for (int i = group; i < found && isEntry; i += kGroups) {
      const Share share = shares[i];
      const int inBlock = share.transposed ? 6 * c + r : entry;
      value += t.pairBlocks[inVector ? share.gradient + r : share.matrix + inBlock];
    }
    __syncthreads();
  }
  if (isEntry) groupSums[group][entry] = value;
  __syncthreads();
  if (group > 0 || !isEntry) return;
  for (int g = 1; g < kGroups; ++g) value += groupSums[g][entry];
  for (int w = 0; w < kWarps; ++w) value -= warpSums[w][entry];
  const int n = 6 * t.options->freePoses, row = 6 * a + r;
  if (inVector) {
    t.system[static_cast<std::size_t>(n) * n + row] = value;
    return;
  }
  if (a == b && r == c) value += t.options->poseDampingRelative * value + t.options->poseDamping;
  t.system[static_cast<std::size_t>(row) * n + 6 * b + c] = value;
}

ReduceTask taskOf(DeviceState& state) {
  return {state.pairs(),           state.poseVariable.data(),  state.adjustment.data(),    state.pairDepth.data(),
          state.pairBlocks.data(), state.depthVariance.data(), state.depthGradient.data(), state.coupling.data(),
          state.system.data(),     state.options.ringSlots,    state.options.patches,      state.patchStride};
}

}  // namespace

void gatherSources(DeviceState& state, cudaStream_t stream) {
  launch("bundleAdjust: gather", gatherKernel, {.blocksX = static_cast<unsigned>(state.options.ringSlots), .threads = kGatherThreads}, stream, taskOf(state));
}

void reduceSystem(DeviceState& state, cudaStream_t stream) {
  const unsigned slots = static_cast<unsigned>(state.options.ringSlots);
  launch("bundleAdjust: reduce", reduceKernel, {.blocksX = slots * (slots + 1) / 2, .threads = kThreads}, stream, taskOf(state));
}

}  // namespace qpvo::cuda
