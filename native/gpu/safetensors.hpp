// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "qpvo/network/update.hpp"

namespace qpvo::gpu {

/// The tensors of a .safetensors file: I8 as bytes, F32, F16, U8 and I32 as floats.
class Safetensors {
 public:
  /// @throws Error QPVO_NOT_FOUND; QPVO_MODEL for a file that is damaged or has other types
  explicit Safetensors(const std::string& path);

  bool has(const std::string& name) const { return tensors_.count(name) != 0; }
  /// @throws Error QPVO_MODEL when there is none of that name, or it is of bytes
  const std::vector<float>& values(const std::string& name) const;
  const std::vector<std::size_t>& shape(const std::string& name) const;

  /// Those whose name begins so, as the networks take them; borrowed from this object. The columns of update.corr.0 go from the published order of the correlation,
  /// [dx][dy][py][px][level], to that of the ops.
  network::Tensors under(const std::string& prefix) const;

 private:
  struct Stored {
    std::vector<std::size_t> shape;
    std::vector<float> values;
    std::vector<std::int8_t> bytes;
  };
  const Stored& stored(const std::string& name) const;
  void reorderCorrelation();

  std::string path_;
  std::map<std::string, Stored> tensors_;
};

/// The whole file. @throws Error QPVO_NOT_FOUND
std::string readFile(const std::string& path);

}  // namespace qpvo::gpu
