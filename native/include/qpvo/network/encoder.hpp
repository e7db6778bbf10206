// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "qpvo/network/update.hpp"

namespace qpvo::network {

struct EncoderOptions {
  int width, height;           ///< network image, pixels
  int threads;
  std::string instructionSet;  ///< of encoderInstructionSets(); empty = the best
};

/// What this processor can run, best first.
std::vector<std::string> encoderInstructionSets();

/// Both residual encoders (Deep Patch Visual Odometry, arXiv 2208.04726, section 3.1) over images of one size. A layer whose weight is int8 multiplies in integers
/// (quantized activations, exact 32-bit sums), others in fp32; norms and sums of shortcuts are fp32 always. The result does not depend on the number of threads.
class Encoder {
 public:
  /// Tensors are those of `patchify.fnet.*` and `patchify.inet.*`; others are passed over, and none is needed after construction.
  /// @throws Error QPVO_MODEL for tensors that are missing, of another shape, or whose scales are missing or not positive; QPVO_INTERNAL for an instruction set
  /// that this processor cannot run, or when memory is out.
  Encoder(const EncoderOptions& options, const Tensors& tensors);
  ~Encoder();
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  /// Grid: a quarter of the image, rounded up.
  int gridWidth() const;
  int gridHeight() const;
  int inputChannels() const;
  int featureDim() const;
  int hiddenDim() const;

  /// image [C][height][width], normalised; cells [count], y * gridWidth + x, within the grid
  /// -> features [featureDim][gridHeight][gridWidth]: the matching encoder, with instance norms;
  ///    context [count][hiddenDim]: the context encoder, evaluated on the pixels that the cells depend on.
  void encode(const float* image, const std::int32_t* cells, int count, float* features, float* context);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace qpvo::network
