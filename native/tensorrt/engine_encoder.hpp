// SPDX-License-Identifier: MIT
#pragma once

#include "network/parts.hpp"
#include "precision.hpp"
#include "runtime/device_buffer.hpp"
#include "session.hpp"

namespace qpvo::tensorrt {

struct EncoderLengths {
  int channels, width, height;  ///< network image, sides multiples of 16
  int featureDim, hiddenDim;    ///< F, D
  int patches;                  ///< M, the engine's number of cells
};

/// Both encoders as engines of the graphs `features` and `context` (src/network/onnx/encoderGraph.ts), one after the other in shared scratch memory.
class EngineEncoder final : public cuda::DeviceEncoder {
 public:
  /// @throws Error QPVO_ENGINE when the engines are for other lengths; QPVO_OUT_OF_MEMORY
  EngineEncoder(std::unique_ptr<Session> features, std::unique_ptr<Session> context, const EncoderLengths& lengths, cuda::Precision precision);

  void encode(const float* image, const std::int32_t* cells, int count, void* features, float* context, cudaStream_t stream) override;
  cuda::Precision featurePrecision() const override { return precision_; }
  /// Recording TensorRT's launches was never tried.
  bool isCapturable() const override { return false; }

 private:
  EncoderLengths lengths_;
  cuda::Precision precision_;
  // The sessions go before the memory that they were given.
  cuda::DeviceBuffer<std::byte> scratch_;
  cuda::DeviceBuffer<float> planes_;        ///< [F][h][w]
  cuda::DeviceBuffer<std::int32_t> cells_;  ///< [M], those beyond the count name cell 0 or an older one
  cuda::DeviceBuffer<float> contexts_;      ///< [M][D]
  std::unique_ptr<Session> features_, context_;
};

}  // namespace qpvo::tensorrt
