// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <vector>

#include "runtime/context.hpp"

namespace qpvo::gpu {

/// Milliseconds on the GPU of each of `runs` runs, after some that do not count. Between two runs its L2 cache is filled with something else, as it is in a frame.
std::vector<double> measure(cuda::Context& context, const std::function<void()>& enqueue, int runs);

double medianOf(std::vector<double> values);
/// The value that a share of the others is not above, 0 < share <= 1.
double quantileOf(std::vector<double> values, double share);

}  // namespace qpvo::gpu
