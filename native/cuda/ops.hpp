// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "qpvo/ops.hpp"
#include "state.hpp"

// The ops of qpvo/ops.hpp on the device, with the same meaning, in the order of one stream. None allocates or waits; host arguments may change as soon as a call returns.
// Those that are marked R read all that changes from device memory, so that they can be recorded into a graph and replayed.

namespace qpvo::cuda {

/// The bytes go through pinned memory; the same bits as on the CPU. @throws QPVO_IMAGE_SIZE
void prepareImage(DeviceState& state, const ImageView& recorded, cudaStream_t stream);

/// The same patches as on the CPU, bit by bit.
void samplePatches(DeviceState& state, int slot, std::uint64_t seed, std::uint64_t sequence, Selection selection, float inverseDepth, const CellArea& area,
                   cudaStream_t stream);

void insertFrame(DeviceState& state, int slot, cudaStream_t stream);

/// pose: t xyz, q xyzw of T_camera_world.
void setPose(DeviceState& state, int slot, const double* pose, cudaStream_t stream);
/// inverseDepth: [patchStride] of the slot.
void setInverseDepths(DeviceState& state, int slot, const float* inverseDepth, cudaStream_t stream);

/// The pair tables of what follows, [count] ring slots.
void setPairs(DeviceState& state, const std::int32_t* source, const std::int32_t* target, int count, cudaStream_t stream);

/// R. T_target_source of the pairs at the poses as they are; what correlate, bundleAdjust and assessHealth begin with.
void relateFrames(DeviceState& state, cudaStream_t stream);

/// Tiles that a target's map is divided into, each way, to visit together the edges that look at the same cells.
inline constexpr int kTilesAcross = 16;

/// R. The order in which correlate visits the edges, which no result depends on: target after target, each one's by the tile where the centre of the patch looks, along a
/// Morton curve, those of a tile in the order of the table. After relateFrames.
void orderEdges(DeviceState& state, cudaStream_t stream);

/// R.
void correlate(DeviceState& state, cudaStream_t stream);

/// poseVariable: [R].
void setAdjustment(DeviceState& state, const BundleAdjustOptions& options, const std::int32_t* poseVariable, cudaStream_t stream);

/// R, but for the number of iterations, which is that of setAdjustment. Writes state.report.
void bundleAdjust(DeviceState& state, int iterations, cudaStream_t stream);

/// R. The questions about health in state.questions, into state.healthAnswers.
void assessHealth(DeviceState& state, cudaStream_t stream);

/// R. Those about flow, into state.flowAnswers.
void flowMagnitude(DeviceState& state, cudaStream_t stream);

/// R. World points of the patches of every slot, into state.points.
void pointCloud(DeviceState& state, cudaStream_t stream);

}  // namespace qpvo::cuda
