// SPDX-License-Identifier: MIT
#include <algorithm>
#include <numeric>

#include "ops.hpp"
#include "reproject.cuh"
#include "runtime/launch.hpp"

namespace qpvo::cuda {

namespace {

constexpr int kThreads = 32;

/// A thread per pair, in doubles.
__global__ void relateKernel(const double* poses, PairTables pairs, PairMotion* motion, double* adjoints) {
  const int p = static_cast<int>(blockIdx.x) * kThreads + static_cast<int>(threadIdx.x);
  if (p >= *pairs.count) return;
  const Rigid<double> relative = relativePose(poses, pairs.source[p], pairs.target[p]);
  motion[p] = motionOf(relative);
  adjoint(relative, adjoints + static_cast<std::size_t>(p) * 36);
}

/// Pairs in the order of a slot of theirs, those of one slot as they stand in the table; first[s]: where slot s begins.
template <class Takes>
void sortBySlot(int count, int slots, const std::int32_t* slotOf, const Takes& takes, std::int32_t* order, std::int32_t* first) {
  std::fill_n(first, slots + 1, 0);
  for (int p = 0; p < count; ++p) first[slotOf[p] + 1] += takes(p);
  std::partial_sum(first, first + slots + 1, first);
  for (int p = 0; p < count; ++p) {
    if (takes(p)) order[first[slotOf[p]]++] = p;
  }
  std::move_backward(first, first + slots, first + slots + 1);
  first[0] = 0;
}

}  // namespace

void setPose(DeviceState& state, int slot, const double* pose, cudaStream_t stream) {
  state.staging.upload(state.poses.data() + static_cast<std::size_t>(slot) * 7, pose, 7, stream);
}

void setInverseDepths(DeviceState& state, int slot, const float* inverseDepth, cudaStream_t stream) {
  const std::size_t stride = state.patchStride;
  state.staging.upload(state.inverseDepth.data() + slot * stride, inverseDepth, stride, stream);
}

void setPairs(DeviceState& state, const std::int32_t* source, const std::int32_t* target, int count, cudaStream_t stream) {
  const int slots = state.options.ringSlots, most = state.options.maxPairs;
  std::int32_t* tables = state.pairTablesHost.data();
  std::int32_t *first = tables + 1, *pairs = first + slots + 1;
  tables[0] = count;
  std::copy_n(source, count, pairs);
  std::copy_n(target, count, pairs + most);
  const auto all = [](int) { return 1; };
  const auto joinsTwo = [=](int p) { return source[p] != target[p] ? 1 : 0; };
  sortBySlot(count, slots, target, all, pairs + 2 * most, pairs + 4 * most);
  sortBySlot(count, slots, source, joinsTwo, pairs + 3 * most, first);
  state.staging.upload(state.pairTables.data(), tables, state.pairTables.size(), stream);
}

void relateFrames(DeviceState& state, cudaStream_t stream) {
  launch("relateFrames", relateKernel, {.blocksX = blocksFor(state.options.maxPairs, kThreads), .threads = kThreads}, stream, state.poses.data(), state.pairs(),
         state.pairMotion.data(), state.pairAdjoint.data());
}

}  // namespace qpvo::cuda
