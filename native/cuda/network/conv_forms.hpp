// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

#include "conv_passes.hpp"

// From what is known when a pass is enqueued to what its kernel must know when it is compiled.

namespace qpvo::cuda::network::conv {

/// Calls f with the rows and columns of a warp's tile as constants.
template <class F>
void withWarpTile(int columns, int rows, const F& f) {
  using Two = std::integral_constant<int, 2>;
  using Four = std::integral_constant<int, 4>;
  using Eight = std::integral_constant<int, 8>;
  if (columns == 8) return f(Two{}, Eight{});
  if (rows == 4) return columns == 4 ? f(Four{}, Four{}) : f(Four{}, Two{});
  columns == 4 ? f(Two{}, Four{}) : f(Two{}, Two{});
}

template <class T>
struct Type {
  using type = T;
};

}  // namespace qpvo::cuda::network::conv
