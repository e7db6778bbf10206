// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "cpu/network/source_chains.hpp"
#include "network/parts.hpp"
#include "pair_slots.hpp"
#include "runtime/device_buffer.hpp"
#include "session.hpp"
#include "staging.hpp"

namespace qpvo::tensorrt {

/// The update operator as an engine of the graph of all sources at once (src/network/onnx/updateBatchGraph.ts). Pairs are copied into its slots [S][T] before a run, and
/// back after it.
class EngineUpdate final : public cuda::DeviceUpdate {
 public:
  /// S and T are those of the engine. @throws Error QPVO_ENGINE when it is for other lengths or another precision; QPVO_OUT_OF_MEMORY
  EngineUpdate(std::unique_ptr<Session> session, const cuda::network::UpdateShape& shape, cuda::Precision precision);

  void arrange(const qpvo::network::PairTable& pairs, cudaStream_t stream) override;
  void run(const cuda::DeviceUpdateArrays& arrays, cudaStream_t stream) override;
  cuda::Precision statePrecision() const override { return slots_.precision; }
  cuda::CorrelationRows correlationRows() const override { return {slots_.precision, slots_.correlationLength}; }
  void waited() override { staging_.release(); }
  /// Recording TensorRT's launches was never tried.
  bool isCapturable() const override { return false; }

 private:
  SlotTables tables() const { return {tables_.data(), tables_.data() + pairOfSlot()}; }
  std::size_t pairOfSlot() const { return static_cast<std::size_t>(slots_.sources) * slots_.targets; }

  SlotShape slots_{};
  qpvo::network::SourceChains chains_;
  std::vector<std::int32_t> hostTables_;      ///< [S][T] pair of a slot, then [S] ring slot of a source
  cuda::Staging staging_;
  cuda::DeviceBuffer<std::int32_t> tables_;   ///< as hostTables_
  // The session goes before the memory that it was given.
  cuda::DeviceBuffer<std::byte> scratch_, hidden_, context_, correlation_, mask_, hiddenOut_;
  cuda::DeviceBuffer<float> delta_, weight_;  ///< [S][T][M][2]
  std::unique_ptr<Session> session_;
};

}  // namespace qpvo::tensorrt
