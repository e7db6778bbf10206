// SPDX-License-Identifier: MIT
#pragma once

#include "rows_plan.hpp"
#include "rows_weights.cuh"
#include "update_tables.hpp"

// What the kernels of the update operator are launched with. D = hidden width, F = correlation length, M = patches.

namespace qpvo::cuda::network {

/// Weights of the layers of a kernel, in the order of their use.
struct WeightList {
  const unsigned char* first;
  int panels;
};

/// From the correlation to the state behind the mean over the targets: see update_patches.cuh.
template <class V>
struct PatchArguments {
  Layer correlation0, correlation2, correlation5, previous0, previous2, next0, next2, shares, mean;
  Norm correlation3, norm;
  WeightList weights;
  SharedPlan plan;
  UpdateTables tables;
  const typename V::Native* hiddenIn;  ///< [P][M][D]
  const float* contextRing;            ///< [R][M][D]
  const unsigned char* correlation;    ///< [P][M][correlationRowBytes], what the first layer multiplies
  typename V::State* rows;             ///< [P][M][D]
  int hiddenDim, correlationRowBytes, patches;
};

/// Softmax over the patches of each pair, tile by tile: see update_pairs.cuh.
template <class V>
struct ShareArguments {
  Layer shares;
  WeightList weights;
  SharedPlan plan;
  UpdateTables tables;
  const typename V::State* rows;
  float* partial;  ///< [P][parts][3][partialWidth] largest logit, sum of shares, total, of the rows of a pair in one tile
  int hiddenDim, patches, parts, partialWidth;
};

/// From there to one row per pair. V has fewer rows here; tileRows are those of the kernel that made the parts.
template <class V>
struct PairArguments {
  Layer mean;
  WeightList weights;
  SharedPlan plan;
  UpdateTables tables;
  const float* partial;
  float* pairRows;  ///< [P][D]
  int hiddenDim, patches, parts, partialWidth, tileRows;
};

struct GatedLayers {
  Norm norm;
  Layer gate, first, second;
};

/// Gated residuals and heads: see update_state.cuh.
template <class V>
struct StateArguments {
  GatedLayers blocks[2];
  const float* heads;  ///< [4][kColumns] d.1, w.1
  float headsBias[4];
  WeightList weights;
  SharedPlan plan;
  UpdateTables tables;
  const typename V::State* rows;
  const float* pairRows;
  typename V::Native* hiddenOut;  ///< [P][M][D], may be `rows`
  float* delta;                   ///< [P][M][2]
  float* weight;                  ///< [P][M][2]
  int hiddenDim, patches;
};

}  // namespace qpvo::cuda::network
