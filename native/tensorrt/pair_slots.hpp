// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "precision.hpp"
#include "runtime/copy.hpp"

namespace qpvo::tensorrt {

/// Lengths of the engine's cube of edges [S][T][M] and of their values.
struct SlotShape {
  int sources, targets, patches;  ///< S, T, M
  int hiddenDim;                  ///< D, even
  int correlationLength;          ///< F, even
  cuda::Precision precision;      ///< fp32: float; else __half
};

/// Device memory of the engine; those with void are float or __half.
struct SlotInputs {
  void* hidden;       ///< [S][T][M][D]
  void* context;      ///< [S][M][D]
  void* correlation;  ///< [S][T][M][F]
  void* mask;         ///< [S][T]
};

struct SlotOutputs {
  const void* hidden;   ///< [S][T][M][D]
  const float* delta;   ///< [S][T][M][2]
  const float* weight;  ///< [S][T][M][2]
};

/// Tables on the device: pair of a slot [S][T] and ring slot of a source [S], -1 = none.
struct SlotTables {
  const std::int32_t* pair;
  const std::int32_t* ringSlot;
};

/// Values of pairs [P][M][..] into slots; zeros where there is no pair or no source.
void fillSlots(const SlotShape& shape, const SlotTables& tables, const void* hidden, const float* contextRing, const void* correlation, const SlotInputs& slots,
               cudaStream_t stream);

/// Values of slots to their pairs; of other pairs nothing is touched.
void emptySlots(const SlotShape& shape, const SlotTables& tables, const SlotOutputs& slots, void* hidden, float* delta, float* weight, cudaStream_t stream);

}  // namespace qpvo::tensorrt
