// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "cases.hpp"

namespace qpvo::gpu {

/// Rows for the own networks of a model against the results that the training code stored beside it (golden*.safetensors), in every precision that the folder has weights
/// for. @throws Error QPVO_MODEL or QPVO_NOT_FOUND for files that are missing or damaged
void addGoldenCases(Table& table, const std::string& folder);

/// The same for engines of TensorRT, built for the lengths of these results: <engines>/<fp32, fp16, int8>/<features, context, update>.plan, which the library `module` runs.
/// @throws Error as above
void addEngineCases(Table& table, const std::string& folder, const std::string& engines, const std::string& module);

}  // namespace qpvo::gpu
