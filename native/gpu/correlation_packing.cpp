// SPDX-License-Identifier: MIT
#include "correlation_packing.hpp"

#include <cuda_fp16.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace qpvo::gpu {

namespace {

template <class T, class Convert>
std::vector<unsigned char> packed(const std::vector<float>& values, int length, const cuda::CorrelationRows& rows, const Convert& convert) {
  std::vector<unsigned char> out(values.size() / length * rows.bytes());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const T value = convert(values[i]);
    std::memcpy(out.data() + i / length * rows.bytes() + i % length * sizeof(T), &value, sizeof(T));
  }
  return out;
}

}  // namespace

std::vector<unsigned char> packedRows(const std::vector<float>& values, int length, const cuda::CorrelationRows& rows) {
  if (rows.type == cuda::Precision::fp32) return packed<float>(values, length, rows, [](float value) { return value; });
  if (rows.type == cuda::Precision::fp16) return packed<__half>(values, length, rows, [](float value) { return __float2half_rn(value); });
  return packed<std::int8_t>(values, length, rows, [&](float value) { return static_cast<std::int8_t>(std::clamp(std::nearbyint(value * rows.perValue), -128.0f, 127.0f)); });
}

}  // namespace qpvo::gpu
