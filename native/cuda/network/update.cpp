// SPDX-License-Identifier: MIT
#include "network/update.hpp"

#include <string>

#include "qpvo/error.hpp"
#include "runtime/context.hpp"

namespace qpvo::cuda::network {

namespace {

constexpr int kWidest = 384, kWidestWideStates = 128;

std::unique_ptr<UpdateRunner> runnerFor(const Context& context, const UpdateShape& shape, Precision precision, const Tensors& tensors, States states) {
  const bool wideStates = states == States::fp32 && precision == Precision::int8;
  const int widest = wideStates ? kWidestWideStates : kWidest;
  if (shape.hiddenDim % 8 != 0 || shape.hiddenDim > widest)
    throw Error("QPVO_MODEL", "hidden width on the GPU: expected a multiple of 8 up to " + std::to_string(widest) + ", but received " +
                                  std::to_string(shape.hiddenDim) + ". Use the CPU.");
  const UpdateTensors layers(tensors, shape.hiddenDim, shape.correlationLength, precision == Precision::int8);
  const std::size_t shared = context.sharedPerBlock();
  switch (precision) {
    case Precision::fp32: return makeUpdateFp32(shape, layers, shared, context.stream());
    case Precision::fp16: return makeUpdateFp16(shape, layers, shared, context.stream());
    case Precision::int8: return makeUpdateInt8(shape, layers, shared, context.stream(), wideStates);
  }
  throw Error("QPVO_INTERNAL", "precision of the update operator: expected one of three, but received " + std::to_string(static_cast<int>(precision)) + ".");
}

}  // namespace

UpdateOperator::UpdateOperator(const Context& context, const UpdateShape& shape, Precision precision, const Tensors& tensors, States states)
    : shape_(shape),
      precision_(precision),
      runner_(runnerFor(context, shape, precision, tensors, states)),
      arrangement_(shape.patches, shape.ringSlots, shape.maxPairs, runner_->tileRows()) {}

void UpdateOperator::arrange(const qpvo::network::PairTable& pairs, cudaStream_t stream) { arrangement_.arrange(pairs, stream); }

void UpdateOperator::run(const DeviceUpdateArrays& arrays, cudaStream_t stream) { runner_->run(arrays, arrangement_.tables(), arrangement_.maxTiles(), stream); }

Precision UpdateOperator::statePrecision() const { return precision_ == Precision::fp32 ? Precision::fp32 : Precision::fp16; }

UpdateWork UpdateOperator::work() const { return runner_->work({arrangement_.pairs(), arrangement_.chains(), shape_.patches}); }

std::unique_ptr<DeviceUpdate> makeUpdate(const Context& context, const UpdateShape& shape, Precision precision, const qpvo::network::Tensors& tensors) {
  return std::make_unique<UpdateOperator>(context, shape, precision, tensors);
}

}  // namespace qpvo::cuda::network
