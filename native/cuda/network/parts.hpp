// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "correlation_rows.hpp"
#include "precision.hpp"
#include "qpvo/network/update.hpp"

// The two networks as the pipeline sees them, whatever computes them. Needs no CUDA header: cudaStream_t is declared as cuda_runtime.h does.

struct CUstream_st;
typedef struct CUstream_st* cudaStream_t;

namespace qpvo::cuda {

class Context;

/// Both encoders. All arrays are device memory on 256 bytes; calls enqueue on the stream and allocate nothing.
struct DeviceEncoder {
  virtual ~DeviceEncoder() = default;

  /// image [C][H][W] fp32, normalised; cells [count], y * w + x of patch centres on the grid h x w = H / 4 x W / 4
  /// -> features [h][w][F], channels last: float or __half by featurePrecision(); context [count][D] float.
  virtual void encode(const float* image, const std::int32_t* cells, int count, void* features, float* context, cudaStream_t stream) = 0;

  /// fp32: float features; fp16: __half. Never int8.
  virtual Precision featurePrecision() const = 0;

  /// Whether encode() may be recorded into a CUDA graph, and replayed with the same arguments.
  virtual bool isCapturable() const { return true; }
};

/// Arrays of one pass; hidden states are float or __half by DeviceUpdate::statePrecision(). Device memory on 256 bytes.
struct DeviceUpdateArrays {
  const void* hiddenIn;      ///< [P][M][D]
  const float* contextRing;  ///< [R][M][D]
  const void* correlation;   ///< as correlationRows() says
  void* hiddenOut;           ///< [P][M][D]; may hold states on the way there
  float* delta;              ///< [P][M][2]
  float* weight;             ///< [P][M][2]
};

/// The update operator.
struct DeviceUpdate {
  virtual ~DeviceUpdate() = default;

  /// Takes the pairs of the next runs. The tables are host memory and may change as soon as this returns. Enqueues, and may be called several times between two waits for
  /// the stream. @throws QPVO_INTERNAL unless they are one chain per source that covers every pair once
  virtual void arrange(const qpvo::network::PairTable& pairs, cudaStream_t stream) = 0;

  /// One pass over the arranged pairs.
  virtual void run(const DeviceUpdateArrays& arrays, cudaStream_t stream) = 0;

  /// The stream has been waited for: memory that was held for copies is free again.
  virtual void waited() {}

  /// fp32: hidden states are float; fp16: __half. Never int8.
  virtual Precision statePrecision() const = 0;

  virtual CorrelationRows correlationRows() const = 0;

  /// Whether run() may be recorded into a CUDA graph and replayed after other pairs were arranged.
  virtual bool isCapturable() const { return true; }
};

namespace network {

struct EncoderShape {
  int width, height;  ///< network image, multiples of 16
  int patches;        ///< most cells of one call
};

struct UpdateShape {
  int hiddenDim, correlationLength, patches, ringSlots, maxPairs;  ///< D, F, M, R, P
};

/// Own kernels. Tensors as for the CPU classes of the same work (qpvo/network/encoder.hpp, update.hpp), none needed afterwards; layers without int8 weights work in fp16
/// when int8 is asked for. @throws QPVO_MODEL as those do; QPVO_OUT_OF_MEMORY
std::unique_ptr<DeviceEncoder> makeEncoder(const Context& context, const EncoderShape& shape, Precision precision, const qpvo::network::Tensors& tensors);
std::unique_ptr<DeviceUpdate> makeUpdate(const Context& context, const UpdateShape& shape, Precision precision, const qpvo::network::Tensors& tensors);

}  // namespace network

}  // namespace qpvo::cuda
