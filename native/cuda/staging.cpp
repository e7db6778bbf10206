// SPDX-License-Identifier: MIT
#include "staging.hpp"

#include <algorithm>
#include <string>

#include "qpvo/error.hpp"

namespace qpvo::cuda {

std::byte* Staging::reserve(std::size_t bytes, cudaStream_t stream) {
  const std::size_t rounded = (bytes + 15) / 16 * 16;
  if (rounded > memory_.size()) {
    throw Error("QPVO_INTERNAL", "staging memory: expected at most " + std::to_string(memory_.size()) + " bytes, but received " + std::to_string(bytes) + ".");
  }
  if (used_ + rounded > memory_.size()) {
    check(cudaStreamSynchronize(stream), "waiting for staging memory");
    release();
  }
  std::byte* room = memory_.data() + used_;
  used_ += rounded;
  return room;
}

void Staging::uploadBoth(std::byte* device, std::span<const std::byte> first, std::span<const std::byte> second, cudaStream_t stream) {
  const std::size_t bytes = first.size() + second.size();
  std::byte* held = reserve(bytes, stream);
  std::ranges::copy(second, std::ranges::copy(first, held).out);
  cuda::upload(device, held, bytes, stream);
}

}  // namespace qpvo::cuda
