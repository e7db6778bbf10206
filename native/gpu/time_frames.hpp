// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "steady_run.hpp"

namespace qpvo::gpu {

struct FrameOptions {
  RunShape shape;
  int frames;          ///< that count
  std::string commit;  ///< of the source, for the record
  std::string json;    ///< path of the record; empty = none
};

/// Times frames of the steady state: first as they are, then with the stages marked, prints both and writes the record, which the training code's time-frame also makes.
/// @throws Error QPVO_OUTPUT when the record cannot be written
void timeFrames(cuda::Context& context, const FrameOptions& options);

/// Members of a record that say what was run, with a comma behind each.
std::string describe(const RunShape& shape);

/// Bytes of the GPU that are taken, by whatever program.
std::size_t deviceBytesInUse();

}  // namespace qpvo::gpu
