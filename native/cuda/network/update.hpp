// SPDX-License-Identifier: MIT
#pragma once

#include "network/parts.hpp"
#include "update_arrangement.hpp"
#include "update_runner.hpp"

namespace qpvo::cuda::network {

/// In which type rows wait between layers and kernels when the products are int8. Hidden states are __half in both.
enum class States {
  fp16,
  fp32,  ///< the integers of the CPU, but for ties; for hidden widths to 128 with all layers in int8
};

/// The update operator on the GPU. Its brother is qpvo::network::UpdateOperator; hidden widths are multiples of 8 up to 384.
class UpdateOperator : public DeviceUpdate {
 public:
  UpdateOperator(const Context& context, const UpdateShape& shape, Precision precision, const Tensors& tensors, States states = States::fp16);

  void arrange(const qpvo::network::PairTable& pairs, cudaStream_t stream) override;
  void run(const DeviceUpdateArrays& arrays, cudaStream_t stream) override;
  void waited() override { arrangement_.waited(); }
  Precision statePrecision() const override;
  CorrelationRows correlationRows() const override { return runner_->correlationRows(); }

  /// Of the arranged pairs.
  UpdateWork work() const;

 private:
  UpdateShape shape_;
  Precision precision_;
  std::unique_ptr<UpdateRunner> runner_;
  UpdateArrangement arrangement_;
};

}  // namespace qpvo::cuda::network
