// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace qpvo::gpu {

/// What a process holds after so many frames, bytes.
struct MemorySample {
  int frame;
  double host;     ///< resident
  double device;   ///< taken on the GPU, by whatever program
  double buffers;  ///< device and pinned buffers of this process
};

struct Judged {
  std::string what, unit;
  double measured, most;
  bool isMet() const { return measured <= most; }
};

/// The fewest samples that can be judged.
inline constexpr std::size_t kLeastSamples = 8;

/// Whether memory stays as it is: the first eighth of the samples against the last one, and the slope of the second half of a run that is long enough for one.
/// @throws Error QPVO_INTERNAL for fewer than kLeastSamples
std::vector<Judged> judgeGrowth(const std::vector<MemorySample>& samples);

/// Resident memory of this process, bytes.
double residentBytes();

}  // namespace qpvo::gpu
