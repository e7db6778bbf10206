// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "precision.hpp"
#include "qpvo/ops.hpp"
#include "runtime/context.hpp"
#include "runtime/device_buffer.hpp"
#include "staging.hpp"
#include "state_sizes.hpp"

namespace qpvo::cuda {

/// Of the reprojection: T_target_source of a pair, p_target = R p_source + t.
struct PairMotion {
  float rotation[9], translation[3];
};

/// Where the tables of the pairs lie, all in one array so that one copy brings them.
struct PairTables {
  const std::int32_t* count;          ///< [1] pairs, which the kernels of a replayed graph read
  const std::int32_t* sourceFirst;    ///< [R + 1] where a source slot's pairs begin in bySource
  const std::int32_t *source, *target;  ///< [P] ring slots
  const std::int32_t* byTarget;       ///< [P] pairs in the order of their targets
  const std::int32_t* bySource;       ///< [P] pairs that join two frames, in the order of their sources, each source's in the order of the table
  const std::int32_t* targetFirst;    ///< [R + 1] where a target slot's pairs begin in byTarget
};

/// What the bundle adjustment found. Written by it, read by its next iterations and the host.
struct AdjustmentReport {
  int solved;      ///< 1, or 0 once a factorisation failed or a step was not finite
  int validEdges;  ///< of the last iteration
};

/// About the health of `count` of the pairs that are asked about, from `first` on.
struct HealthQuestion {
  std::int32_t first, count;
  float inlierThreshold, minConfidence, margin;
};

struct FlowQuestion {
  std::int32_t source, target;
  float beta;
};

/// What assessHealth and flowMagnitude answer. The pairs that are asked about come behind it, all in one array so that one copy brings them.
struct QuestionTable {
  std::int32_t healthCount, flowCount, pairCount;
  HealthQuestion health[kQuestions];
  FlowQuestion flows[kQuestions];
};

/// The arrays of qpvo/state.hpp in device memory, allocated once; what is not said otherwise has the shape and layout it has there. Maps and patch features hold floats,
/// halves, or bytes times a scale of the slot. Everything happens on one stream, in order. Those marked F are parts of `fetched`, so that one copy brings all that the host
/// reads in every frame.
struct DeviceState {
  Options options;
  StateTypes types;
  int gridWidth, gridHeight, coarseWidth, coarseHeight, patchStride;

  DeviceBuffer<std::byte> fetched;
  DeviceBuffer<std::uint8_t> recorded;  ///< [recordedHeight][recordedWidth][channels]
  DeviceBuffer<float> image;
  DeviceBuffer<std::int32_t> cells;
  DeviceBuffer<std::byte> features;     ///< [h][w][C] float or __half
  DeviceBuffer<float> context;
  DeviceBuffer<float> contextRing;
  DeviceBuffer<std::byte> correlation;  ///< [P][M][stride], see CorrelationRows
  DeviceBuffer<std::byte> hiddenA, hiddenB;  ///< [P][M][D] float or __half
  DeviceBuffer<float> centre, delta, weight;

  DeviceBuffer<std::int32_t> pairTables;     ///< see PairTables

  DeviceBuffer<double> poses;                         ///< F
  DeviceBuffer<float> patchX, patchY, inverseDepth;   ///< F
  DeviceBuffer<std::uint8_t> colors;                  ///< F
  DeviceBuffer<std::byte> patchFeatures, fineMaps, coarseMaps;
  DeviceBuffer<float> mapScale;      ///< [R][2] value of a byte step of the fine map and the patch features, and of the coarse map; 1 in fp32 and fp16
  DeviceBuffer<std::int32_t> mapPeak;  ///< [2] bits of the largest magnitude in the newest fine and coarse map

  DeviceBuffer<std::int32_t> mapPixel;      ///< y * recordedWidth + x, or -1 outside
  DeviceBuffer<std::uint16_t> mapFraction;
  DeviceBuffer<float> candidateGradient;    ///< [3 M]
  DeviceBuffer<std::int32_t> candidateCell; ///< [3 M]

  DeviceBuffer<std::int32_t> edgeOrder;     ///< [P * M] rows of the correlation, see orderEdges
  DeviceBuffer<PairMotion> pairMotion;      ///< [P]
  DeviceBuffer<double> pairAdjoint;         ///< [P][36] of T_target_source
  DeviceBuffer<double> pairBlocks;          ///< [P][kPairBlocks], see bundle_adjust.hpp
  DeviceBuffer<std::int32_t> pairValid;     ///< [P] edges with weight
  DeviceBuffer<float> pairDepth;            ///< [P][kPairDepthRows][patchStride], likewise
  DeviceBuffer<float> depthVariance, depthGradient;  ///< [R][patchStride] Q (F) and u
  DeviceBuffer<float> coupling;             ///< [R][6 R][patchStride]
  DeviceBuffer<double> system;              ///< [6 R + 1][6 R] lower triangle of S, and the right side as its last row
  DeviceBuffer<double> step;                ///< [6 R]
  DeviceBuffer<double> poseCovariance;      ///< F [36]
  DeviceBuffer<std::byte> adjustmentTable;  ///< the next two, all in one array so that one copy brings them
  std::span<BundleAdjustOptions> adjustment;  ///< [1]
  std::span<std::int32_t> poseVariable;
  DeviceBuffer<AdjustmentReport> report;    ///< F [1]

  DeviceBuffer<std::byte> questions;        ///< a QuestionTable and [kQuestions * P] pairs
  DeviceBuffer<float> healthConfidence;     ///< [kQuestions * P][M] of the pairs that are asked about
  DeviceBuffer<double> healthSums;          ///< [kQuestions * P][kHealthSums] likewise
  DeviceBuffer<Health> healthAnswers;       ///< F [kQuestions]
  DeviceBuffer<Flow> flowAnswers;           ///< F [kQuestions]
  DeviceBuffer<float> points;               ///< F [R][M][3] world

  Staging staging;
  std::vector<std::int32_t> pairTablesHost;  ///< the same, as last uploaded

  /// undistortMap as for the CPU's State. @throws QPVO_OUT_OF_MEMORY
  DeviceState(const Context& context, const Options& options, const StateTypes& types, const float* undistortMap);

  PairTables pairs() const;
  /// [P] sources of the pairs as last uploaded, then as many targets.
  const std::int32_t* pairsHost() const { return pairTablesHost.data() + 1 + options.ringSlots + 1; }
  int fineStride() const { return gridWidth + 2 * kMapBorder; }
  int coarseStride() const { return coarseWidth + 2 * kMapBorder; }
};

}  // namespace qpvo::cuda
