// SPDX-License-Identifier: MIT
#pragma once

#include <cuda_runtime.h>

#include <memory>

#include "network/parts.hpp"
#include "update_tables.hpp"
#include "update_tensors.hpp"

namespace qpvo::cuda::network {

/// What one pass moves and computes at least, padding left out: for timing.
struct UpdateWork {
  double bytes;         ///< of device memory: correlation, states, hidden states, context, partial sums, weights once
  double products;      ///< multiply-adds of the layers
};

/// How many rows of what there are.
struct UpdateExtent {
  int pairs, chains, patches;
};

/// The kernels of one variant with their weights.
struct UpdateRunner {
  virtual ~UpdateRunner() = default;
  /// maxTiles: of patches, as the tables may ever say.
  virtual void run(const DeviceUpdateArrays& arrays, const UpdateTables& tables, int maxTiles, cudaStream_t stream) = 0;
  virtual CorrelationRows correlationRows() const = 0;
  /// Most edges of one tile.
  virtual int tileRows() const = 0;
  virtual UpdateWork work(const UpdateExtent& extent) const = 0;
};

/// sharedPerBlock: bytes. @throws QPVO_MODEL for a hidden width that is too large; QPVO_NO_DEVICE when the shared memory of the GPU is too small; QPVO_OUT_OF_MEMORY
std::unique_ptr<UpdateRunner> makeUpdateFp32(const UpdateShape& shape, const UpdateTensors& tensors, std::size_t sharedPerBlock, cudaStream_t stream);
std::unique_ptr<UpdateRunner> makeUpdateFp16(const UpdateShape& shape, const UpdateTensors& tensors, std::size_t sharedPerBlock, cudaStream_t stream);
/// wideStates: rows wait between the layers in fp32 instead of fp16. Hidden widths to 128, all layers in int8.
std::unique_ptr<UpdateRunner> makeUpdateInt8(const UpdateShape& shape, const UpdateTensors& tensors, std::size_t sharedPerBlock, cudaStream_t stream, bool wideStates);

}  // namespace qpvo::cuda::network
