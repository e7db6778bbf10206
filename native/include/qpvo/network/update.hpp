// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

// The update operator of one model on the CPU, in fp32, in int8, or layer by layer in either.

namespace qpvo::network {

/// A dense tensor of a weights file, row-major, borrowed: one of the two pointers is set.
struct Tensor {
  std::vector<std::size_t> shape;
  const float* values = nullptr;
  const std::int8_t* bytes = nullptr;
};
using Tensors = std::map<std::string, Tensor>;

struct UpdateOptions {
  int hiddenDim;          ///< D
  int correlationLength;  ///< F
  int patches;            ///< M
  int ringSlots;          ///< R
  int maxPairs;
  int threads;
  std::string instructionSet;  ///< one of updateInstructionSets(); '' = the best
};

/// [P] each: ring slot of the source frame, and the pairs of the same source with the next older and next newer target, -1 = none.
struct PairTable {
  int count;
  const std::int32_t *source, *previous, *next;
};

/// Arrays of the caller, dense.
struct UpdateArrays {
  const float* hiddenIn;     ///< [P][M][D]
  const float* contextRing;  ///< [R][M][D]
  const float* correlation;  ///< [P][M][F], or null with the next one
  const std::uint8_t* correlationBytes;  ///< [P][M][F rounded up to 64], with 32 rows more: as CorrelationForm says
  float* hiddenOut;          ///< [P][M][D]; also holds states on the way there
  float* delta;              ///< [P][M][2]
  float* weight;             ///< [P][M][2]
};

/// How the first layer takes the correlation as bytes: round(x / scale) within -128..127, plus zero.
struct CorrelationForm {
  float scale;
  int zero;
};

std::vector<std::string> updateInstructionSets();

class UpdateOperator {
 public:
  /// Packs the weights, named as in the weights file from `update.` on, the columns of corr.0 in the order of the correlation. A layer whose weight has bytes needs
  /// `<layer>.weight_scale` and `<layer>.input_scale` and works in int8, any other in fp32. Widths inside a branch are those of the weights.
  /// @throws QPVO_MODEL when tensors are missing, do not fit each other, or scales are not positive
  UpdateOperator(const UpdateOptions& options, const Tensors& tensors);
  ~UpdateOperator();

  /// Takes the pairs of the next run. @throws QPVO_INTERNAL unless they are one chain per source that covers every pair once
  void arrange(const PairTable& pairs);

  /// One pass over the arranged pairs. Allocates nothing; the same bits whatever the number of threads.
  void run(const UpdateArrays& arrays);

  const char* instructionSet() const;

  /// None when the first layer works in fp32.
  std::optional<CorrelationForm> correlationForm() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace qpvo::network
