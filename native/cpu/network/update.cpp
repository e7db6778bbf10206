// SPDX-License-Identifier: MIT
#include "qpvo/network/update.hpp"

#include "qpvo/thread_pool.hpp"
#include "simd/update_dispatch.hpp"
#include "source_chains.hpp"
#include "update_chain.hpp"

namespace qpvo::network {

struct UpdateOperator::State {
  State(const UpdateOptions& o, const Tensors& tensors)
      : kernels(updateKernels().named(o.instructionSet)), layers(kernels, UpdateTensors(tensors, o.hiddenDim, o.correlationLength, true), o.hiddenDim), chains(o.maxPairs, o.ringSlots), pool(o.threads) {
    for (int worker = 0; worker < o.threads; ++worker) workers.emplace_back(std::make_unique<UpdateChain>(layers, o.patches));
  }

  const UpdateKernels& kernels;
  UpdateLayers layers;
  SourceChains chains;
  std::vector<std::unique_ptr<UpdateChain>> workers;
  ThreadPool pool;
};

UpdateOperator::UpdateOperator(const UpdateOptions& options, const Tensors& tensors) : state_(std::make_unique<State>(options, tensors)) {}

UpdateOperator::~UpdateOperator() = default;

void UpdateOperator::arrange(const PairTable& pairs) { state_->chains.arrange(pairs); }

void UpdateOperator::run(const UpdateArrays& arrays) {
  State& s = *state_;
  const auto& chains = s.chains.chains();
  s.pool.run(static_cast<int>(chains.size()), [&](int item, int worker) {
    const SourceChains::Chain& chain = chains[item];
    s.workers[worker]->run(s.chains.order().data() + chain.first, chain.length, chain.source, arrays);
  });
}

std::optional<CorrelationForm> UpdateOperator::correlationForm() const {
  const Linear& first = state_->layers.corr0;
  if (!first.int8()) return std::nullopt;
  return CorrelationForm{first.inputScale(), first.quantizer().zero};
}

const char* UpdateOperator::instructionSet() const { return state_->kernels.name; }

}  // namespace qpvo::network
