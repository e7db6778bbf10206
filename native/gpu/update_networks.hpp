// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "cases.hpp"
#include "qpvo/network/update.hpp"

// Update operators and pairs made up for the cases.

namespace qpvo::gpu {

struct UpdateSizes {
  int hiddenDim = 128, correlationLength = 882, patches = 48;
  std::vector<int> chains = {1};  ///< targets of each source frame
  bool narrow = false;            ///< widths inside the branches as after pruning
};

enum class LayerTypes { floats, bytes, mixed };

/// Random layers that keep the size of the values that go through, and input scales that cut off few of them.
class MadeUpNetwork {
 public:
  MadeUpNetwork(const UpdateSizes& sizes, LayerTypes types, std::uint64_t seed);
  const network::Tensors& tensors() const { return tensors_; }
  /// Of an fp32 tensor, to be changed.
  std::vector<float>& values(const std::string& name);

 private:
  void addLayer(const std::string& name, int inputs, int outputs, bool afterRelu);
  void addNorm(const std::string& name);
  void add(const std::string& name, std::vector<std::size_t> shape, std::vector<float> values);

  int width_;
  LayerTypes types_;
  Random random_;
  std::deque<std::vector<float>> floats_;
  std::deque<std::vector<std::int8_t>> bytes_;
  network::Tensors tensors_;
};

/// Pairs in shuffled places, and arrays for them. halves: inputs are exact in half precision.
struct UpdateWorkload {
  UpdateWorkload(const UpdateSizes& sizes, bool halves, std::uint64_t seed);

  network::PairTable table() const { return {static_cast<int>(source.size()), source.data(), previous.data(), next.data()}; }
  int pairs() const { return static_cast<int>(source.size()); }

  UpdateSizes sizes;
  int ringSlots;
  std::vector<std::int32_t> source, previous, next;
  std::vector<float> hidden, context, correlation;
};

struct UpdateResults {
  std::vector<float> hidden, delta, weight;
};

/// The CPU's results.
UpdateResults expectedUpdate(const UpdateWorkload& workload, const network::Tensors& tensors);

}  // namespace qpvo::gpu
