// SPDX-License-Identifier: MIT
#include "cases.hpp"
#include "network/update_needs.cuh"
#include "update_networks.hpp"

// How the update operator divides shared memory. A multiprocessor has 1 KB more than a block of it can have, and takes 1 KB for every block.

namespace qpvo::gpu {

namespace {

using namespace qpvo::cuda;
using namespace qpvo::cuda::network;

constexpr int kShared = 99 * 1024, kReserve = 1024;  ///< of compute capability 8.6 and 8.9
constexpr int kPanel = 8192, kRows = 64;

/// Panels under way of a tile that takes so many bytes with three of them.
int stagesOf(int bytesWithThree) {
  const SharedNeed rest{.stateBytes = 0, .inputBytes = 0, .innerBytes = 0, .stageBytes = kPanel, .stageCount = 3, .rows = kRows};
  SharedNeed need = rest;
  need.stateBytes = bytesWithThree - planShared(rest).bytes;
  return plannedWithin(need, kShared, 3).stageCount;
}

void checkReserve(cuda::Context&, Comparison& comparison) {
  comparison.holds("no third panel where two blocks have no room for their reserves beside it", stagesOf(kShared / 2) == 2);
  comparison.holds("a third panel where they have", stagesOf((kShared - kReserve) / 2) == 3);
  comparison.holds("a third panel where one block fits in any case", stagesOf(kShared) == 3);
}

template <Precision precision>
void checkBlocks(Comparison& comparison, LayerTypes types) {
  using V = Variant<64, 4, 4, precision, __half>;
  const UpdateSizes sizes;
  const MadeUpNetwork made(sizes, types, 7);
  const UpdateNeeds<V> needs(UpdateTensors(made.tensors(), sizes.hiddenDim, sizes.correlationLength, precision == Precision::int8));
  for (const SharedNeed& need : {needs.patches(), needs.shares(), needs.state()})
    comparison.holds("two blocks on a multiprocessor", 2 * (plannedWithin(need, kShared, V::kBlocks).bytes + kReserve) <= kShared + kReserve);
}

const Rows rows([](Table& table) {
  table.push_back({"update", "reserve of shared memory", 0, "exact", checkReserve, {}});
  table.push_back({"update", "two blocks where a block can have 99 KB", 0, "exact", [](cuda::Context&, Comparison& comparison) {
                     checkBlocks<Precision::fp16>(comparison, LayerTypes::floats);
                     checkBlocks<Precision::int8>(comparison, LayerTypes::bytes);
                   }, {}});
});

}  // namespace

}  // namespace qpvo::gpu
