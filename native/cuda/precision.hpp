// SPDX-License-Identifier: MIT
#pragma once

namespace qpvo::cuda {

/// Of the products of a network part, or of stored feature maps. Sums are fp32 (int32 in int8) always.
enum class Precision { fp32, fp16, int8 };

/// Bytes of an activation that one part hands to another: float in fp32, __half otherwise.
constexpr int activationBytes(Precision precision) { return precision == Precision::fp32 ? 4 : 2; }

/// Bytes of an element of a feature map.
constexpr int mapBytes(Precision precision) { return precision == Precision::fp32 ? 4 : precision == Precision::fp16 ? 2 : 1; }

}  // namespace qpvo::cuda
