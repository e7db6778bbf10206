// SPDX-License-Identifier: MIT
#pragma once

#include "cpu/network/update_tensors.hpp"

namespace qpvo::cuda::network {

using qpvo::network::LinearTensors;
using qpvo::network::Range;
using qpvo::network::Tensors;
using qpvo::network::UpdateTensors;

}  // namespace qpvo::cuda::network
