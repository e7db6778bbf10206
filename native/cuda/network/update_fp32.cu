// SPDX-License-Identifier: MIT
#include "update_runner.cuh"

namespace qpvo::cuda::network {

std::unique_ptr<UpdateRunner> makeUpdateFp32(const UpdateShape& shape, const UpdateTensors& tensors, std::size_t sharedPerBlock, cudaStream_t stream) {
  using To128 = Variant<64, 4, 4, Precision::fp32, float>;
  using To384 = Variant<32, 8, 6, Precision::fp32, float>;
  if (shape.hiddenDim <= To128::kColumns) return std::make_unique<UpdateRunnerOf<To128>>(shape, tensors, sharedPerBlock, stream);
  return std::make_unique<UpdateRunnerOf<To384>>(shape, tensors, sharedPerBlock, stream);
}

}  // namespace qpvo::cuda::network
