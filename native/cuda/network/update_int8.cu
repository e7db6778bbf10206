// SPDX-License-Identifier: MIT
#include "update_runner.cuh"

namespace qpvo::cuda::network {

std::unique_ptr<UpdateRunner> makeUpdateInt8(const UpdateShape& shape, const UpdateTensors& tensors, std::size_t sharedPerBlock, cudaStream_t stream, bool wideStates) {
  using To128 = Variant<64, 4, 4, Precision::int8, __half>;
  using To128Wide = Variant<64, 4, 4, Precision::int8, float>;
  using To384 = Variant<64, 8, 6, Precision::int8, __half>;
  using To384InLess = Variant<32, 8, 6, Precision::int8, __half>;
  if (wideStates) return std::make_unique<UpdateRunnerOf<To128Wide>>(shape, tensors, sharedPerBlock, stream);
  if (shape.hiddenDim <= To128::kColumns) return std::make_unique<UpdateRunnerOf<To128>>(shape, tensors, sharedPerBlock, stream);
  return makeUpdateWithin<To384, To384InLess>(shape, tensors, sharedPerBlock, stream);
}

}  // namespace qpvo::cuda::network
