// SPDX-License-Identifier: MIT
#include <bit>
#include <cmath>
#include <vector>

#include "cuda_fp16.h"

namespace qpvo::emulation {

namespace {

/// 1 sign, 5 exponent, 10 mantissa bits (IEEE 754 binary16).
float decode(unsigned bits) {
  const float sign = (bits & 0x8000u) != 0 ? -1.0f : 1.0f;
  const int exponent = static_cast<int>(bits >> 10 & 0x1f), mantissa = static_cast<int>(bits & 0x3ff);
  if (exponent == 31) return mantissa == 0 ? sign * INFINITY : std::bit_cast<float>((bits & 0x8000u) << 16 | 0x7f800000u | static_cast<unsigned>(mantissa) << 13);
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(mantissa), -24);
  return sign * std::ldexp(static_cast<float>(mantissa + 1024), exponent - 25);
}

}  // namespace

float halfToFloat(std::uint16_t bits) {
  static const std::vector<float> table = [] {
    std::vector<float> values(65536);
    for (unsigned i = 0; i < values.size(); ++i) values[i] = decode(i);
    return values;
  }();
  return table[bits];
}

std::uint16_t floatToHalf(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000u);
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return 0x7fffu;
  constexpr std::uint32_t kOverflows = 0x477ff000u;  // 65520, half way to what would follow 65504
  if (magnitude >= kOverflows) return sign | 0x7c00u;
  constexpr std::uint32_t kLeastNormal = 0x38800000u;  // 2^-14
  if (magnitude < kLeastNormal) {
    const float scaled = std::bit_cast<float>(magnitude) * 16777216.0f;  // in units of 2^-24, exact
    return static_cast<std::uint16_t>(sign | static_cast<std::uint16_t>(std::nearbyint(scaled)));
  }
  const std::uint32_t rounded = magnitude + 0xfffu + (magnitude >> 13 & 1u);
  return static_cast<std::uint16_t>(sign | (rounded - 0x38000000u) >> 13);
}

}  // namespace qpvo::emulation
