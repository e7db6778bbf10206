// SPDX-License-Identifier: MIT
#include "update_runner.cuh"

namespace qpvo::cuda::network {

std::unique_ptr<UpdateRunner> makeUpdateFp16(const UpdateShape& shape, const UpdateTensors& tensors, std::size_t sharedPerBlock, cudaStream_t stream) {
  using To128 = Variant<64, 4, 4, Precision::fp16, __half>;
  using To384 = Variant<64, 8, 6, Precision::fp16, __half>;
  using To384InLess = Variant<32, 8, 6, Precision::fp16, __half>;
  if (shape.hiddenDim <= To128::kColumns) return std::make_unique<UpdateRunnerOf<To128>>(shape, tensors, sharedPerBlock, stream);
  return makeUpdateWithin<To384, To384InLess>(shape, tensors, sharedPerBlock, stream);
}

}  // namespace qpvo::cuda::network
