// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "cases.hpp"

namespace qpvo::gpu {

struct TimeOptions {
  std::string only;
  std::string commit;  ///< of the source, for the record
  std::string json;    ///< path of the record; empty = none
  int runs;
};

/// Times the rows that can be prepared, against the ceilings measured before, prints a table and writes the record.
/// @throws Error QPVO_OUTPUT when the record cannot be written
void timeCases(const Table& table, cuda::Context& context, const TimeOptions& options);

}  // namespace qpvo::gpu
