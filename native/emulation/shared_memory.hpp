// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <map>
#include <vector>

namespace qpvo::emulation {

/// Fills with the bytes fe ff fe ff ...: not a number in any floating-point type.
void poison(void* data, std::size_t bytes);

/// The __shared__ arrays of the kernels. They are static variables here, so that a block would find in them what the block before left; on a GPU it finds rubbish. They are found
/// in the symbol table of this program, by the tag that their names have.
class SharedArrays {
 public:
  /// Poisons all arrays that the kernel is known to use; at its first launch, all there are.
  void beginBlock(const void* kernel);
  /// After the first block of a kernel: those that changed are the kernel's.
  void endBlock(const void* kernel);

 private:
  struct Array {
    unsigned char* data;
    std::size_t bytes;
  };
  const std::vector<Array>& all();

  std::vector<Array> all_;
  bool read_ = false;
  std::map<const void*, std::vector<Array>> used_;
};

}  // namespace qpvo::emulation
