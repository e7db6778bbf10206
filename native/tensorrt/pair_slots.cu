// SPDX-License-Identifier: MIT
#include "pair_slots.hpp"

#include <cuda_fp16.h>

#include "runtime/launch.hpp"

namespace qpvo::tensorrt {

namespace {

constexpr unsigned kThreads = 256;
/// Words that a thread copies: enough bytes in flight, and blocks small enough to share out.
constexpr int kWordsEach = 8;

__device__ void store(float* to, float value) { *to = value; }
__device__ void store(__half* to, float value) { *to = __float2half_rn(value); }

/// Blocks of `words` four-byte words: block pair[y] of `from` to block y of `to`, zeros for none.
__global__ void gatherBlocks(const std::int32_t* pair, const unsigned* from, int words, unsigned* to) {
  const int source = pair[blockIdx.y];
  const std::size_t target = static_cast<std::size_t>(blockIdx.y) * words;
  for (int i = blockIdx.x * kThreads * kWordsEach + threadIdx.x, k = 0; k < kWordsEach && i < words; ++k, i += kThreads) {
    to[target + i] = source < 0 ? 0U : from[static_cast<std::size_t>(source) * words + i];
  }
}

/// The other way round: block y of `from` to block pair[y] of `to`, nothing for none.
__global__ void scatterBlocks(const std::int32_t* pair, const unsigned* from, int words, unsigned* to) {
  const int target = pair[blockIdx.y];
  if (target < 0) return;
  const std::size_t source = static_cast<std::size_t>(blockIdx.y) * words;
  for (int i = blockIdx.x * kThreads * kWordsEach + threadIdx.x, k = 0; k < kWordsEach && i < words; ++k, i += kThreads) {
    to[static_cast<std::size_t>(target) * words + i] = from[source + i];
  }
}

/// Context of each source from its ring slot, zeros for none; and the mask of its targets.
template <class T>
__global__ void gatherSources(SlotTables tables, const float* ring, int count, int targets, T* context, T* mask) {
  const int source = tables.ringSlot[blockIdx.y];
  for (int i = blockIdx.x * kThreads + threadIdx.x; i < count; i += gridDim.x * kThreads) {
    store(&context[static_cast<std::size_t>(blockIdx.y) * count + i], source < 0 ? 0.0F : ring[static_cast<std::size_t>(source) * count + i]);
  }
  if (blockIdx.x > 0) return;
  for (int t = threadIdx.x; t < targets; t += kThreads) {
    const int slot = blockIdx.y * targets + t;
    store(&mask[slot], tables.pair[slot] < 0 ? 0.0F : 1.0F);
  }
}

/// Grid of one block row for each slot.
cuda::Shape overSlots(const SlotShape& shape, int words) {
  return {.blocksX = cuda::blocksFor(words, kThreads * kWordsEach), .blocksY = static_cast<unsigned>(shape.sources * shape.targets), .threads = kThreads};
}

/// Words of a block of `length` values for each patch, in the precision of the engine.
int wordsOf(const SlotShape& shape, int length) { return shape.patches * length * cuda::activationBytes(shape.precision) / 4; }

template <class T>
void fillSources(const SlotShape& shape, const SlotTables& tables, const float* ring, const SlotInputs& slots, cudaStream_t stream) {
  const int count = shape.patches * shape.hiddenDim;
  const cuda::Shape grid{.blocksX = cuda::blocksFor(count, kThreads * kWordsEach), .blocksY = static_cast<unsigned>(shape.sources), .threads = kThreads};
  cuda::launch("slots: context", gatherSources<T>, grid, stream, tables, ring, count, shape.targets, static_cast<T*>(slots.context), static_cast<T*>(slots.mask));
}

void gather(const char* name, const SlotShape& shape, const SlotTables& tables, const void* from, int length, void* to, cudaStream_t stream) {
  const int words = wordsOf(shape, length);
  cuda::launch(name, gatherBlocks, overSlots(shape, words), stream, tables.pair, static_cast<const unsigned*>(from), words, static_cast<unsigned*>(to));
}

void scatter(const char* name, const SlotShape& shape, const SlotTables& tables, const void* from, int words, void* to, cudaStream_t stream) {
  cuda::launch(name, scatterBlocks, overSlots(shape, words), stream, tables.pair, static_cast<const unsigned*>(from), words, static_cast<unsigned*>(to));
}

}  // namespace

void fillSlots(const SlotShape& shape, const SlotTables& tables, const void* hidden, const float* contextRing, const void* correlation, const SlotInputs& slots,
               cudaStream_t stream) {
  gather("slots: hidden", shape, tables, hidden, shape.hiddenDim, slots.hidden, stream);
  gather("slots: correlation", shape, tables, correlation, shape.correlationLength, slots.correlation, stream);
  if (shape.precision == cuda::Precision::fp32) {
    fillSources<float>(shape, tables, contextRing, slots, stream);
  } else {
    fillSources<__half>(shape, tables, contextRing, slots, stream);
  }
}

void emptySlots(const SlotShape& shape, const SlotTables& tables, const SlotOutputs& slots, void* hidden, float* delta, float* weight, cudaStream_t stream) {
  const int flow = shape.patches * 2;
  scatter("pairs: hidden", shape, tables, slots.hidden, wordsOf(shape, shape.hiddenDim), hidden, stream);
  scatter("pairs: delta", shape, tables, slots.delta, flow, delta, stream);
  scatter("pairs: weight", shape, tables, slots.weight, flow, weight, stream);
}

}  // namespace qpvo::tensorrt
