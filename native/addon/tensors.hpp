// SPDX-License-Identifier: MIT
#pragma once

#include <napi.h>

#include "qpvo/network/update.hpp"

namespace qpvo::addon {

/// An object of {shape, data}, data a Float32Array or Int8Array, by name. Borrows the arrays: keep the object until they are not used any more.
network::Tensors readTensors(Napi::Env env, const Napi::Value& value);

}  // namespace qpvo::addon
