// SPDX-License-Identifier: MIT
#include "engine_update.hpp"

#include <algorithm>
#include <string>

#include "qpvo/error.hpp"

namespace qpvo::tensorrt {

namespace {

constexpr const char* kEngine = "update";
/// Tables that may be on their way at once before staging waits for the stream: 12 updates follow each other at initialisation.
constexpr std::size_t kTablesInFlight = 16;

/// The lengths that the engine was built for: of its mask [S][T][1][1].
SlotShape slotShape(const Session& session, const cuda::network::UpdateShape& shape, cuda::Precision precision) {
  const EngineTensor& mask = tensorOf(session, kEngine, "mask");
  const bool isMask = mask.shape.size() == 4;
  const int sources = isMask ? static_cast<int>(mask.shape[0]) : 0, targets = isMask ? static_cast<int>(mask.shape[1]) : 0;
  const cuda::Precision state = precision == cuda::Precision::fp32 ? cuda::Precision::fp32 : cuda::Precision::fp16;
  return {sources, targets, shape.patches, shape.hiddenDim, shape.correlationLength, state};
}

void requireLengths(const Session& session, const SlotShape& shape) {
  const Element state = shape.precision == cuda::Precision::fp32 ? Element::fp32 : Element::fp16;
  const std::int64_t S = shape.sources, T = shape.targets, M = shape.patches, D = shape.hiddenDim, edges = S * T * M;
  requireTensors(session, kEngine,
                 {{"hidden", true, state, {S, T, M, D}},
                  {"context", true, state, {S, 1, M, D}},
                  {"correlation", true, state, {edges, shape.correlationLength}},
                  {"mask", true, state, {S, T, 1, 1}},
                  {"hiddenOut", false, state, {edges, D}},
                  {"delta", false, Element::fp32, {edges, 2}},
                  {"weight", false, Element::fp32, {edges, 2}}});
}

}  // namespace

EngineUpdate::EngineUpdate(std::unique_ptr<Session> session, const cuda::network::UpdateShape& shape, cuda::Precision precision)
    : slots_(slotShape(*session, shape, precision)),
      chains_(shape.maxPairs, shape.ringSlots),
      hostTables_(pairOfSlot() + slots_.sources),
      staging_(kTablesInFlight * (hostTables_.size() * sizeof(std::int32_t) + 16)),
      tables_(hostTables_.size()),
      session_(std::move(session)) {
  requireLengths(*session_, slots_);
  const auto bytes = [&](const char* name) { return tensorOf(*session_, kEngine, name).bytes(); };
  scratch_ = cuda::DeviceBuffer<std::byte>(session_->scratchBytes());
  session_->useScratch(scratch_.data(), scratch_.size());
  using Bytes = std::pair<const char*, cuda::DeviceBuffer<std::byte>*>;
  for (const auto& [name, buffer] : {Bytes{"hidden", &hidden_}, {"context", &context_}, {"correlation", &correlation_}, {"mask", &mask_}, {"hiddenOut", &hiddenOut_}}) {
    *buffer = cuda::DeviceBuffer<std::byte>(bytes(name));
    session_->bind(name, buffer->data());
  }
  for (const auto& [name, buffer] : {std::pair{"delta", &delta_}, {"weight", &weight_}}) {
    *buffer = cuda::DeviceBuffer<float>(bytes(name) / sizeof(float));
    session_->bind(name, buffer->data());
  }
}

void EngineUpdate::arrange(const qpvo::network::PairTable& pairs, cudaStream_t stream) {
  chains_.arrange(pairs);
  const auto& chains = chains_.chains();
  if (chains.size() > static_cast<std::size_t>(slots_.sources) || (!chains.empty() && chains.front().length > slots_.targets)) {
    throw Error("QPVO_INTERNAL", "frame pairs: expected at most " + std::to_string(slots_.sources) + " sources of at most " + std::to_string(slots_.targets) +
                                     " targets, for which the engine was built, but received " + std::to_string(chains.size()) + " of up to " +
                                     std::to_string(chains.front().length) + ".");
  }
  std::fill(hostTables_.begin(), hostTables_.end(), -1);
  for (std::size_t source = 0; source < chains.size(); ++source) {
    const auto& chain = chains[source];
    std::copy_n(chains_.order().begin() + chain.first, chain.length, hostTables_.begin() + source * slots_.targets);
    hostTables_[pairOfSlot() + source] = chain.source;
  }
  staging_.upload(tables_.data(), hostTables_.data(), hostTables_.size(), stream);
}

void EngineUpdate::run(const cuda::DeviceUpdateArrays& arrays, cudaStream_t stream) {
  fillSlots(slots_, tables(), arrays.hiddenIn, arrays.contextRing, arrays.correlation, {hidden_.data(), context_.data(), correlation_.data(), mask_.data()}, stream);
  session_->run(stream);
  emptySlots(slots_, tables(), {hiddenOut_.data(), delta_.data(), weight_.data()}, arrays.hiddenOut, arrays.delta, arrays.weight, stream);
}

}  // namespace qpvo::tensorrt
