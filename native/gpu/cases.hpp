// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "comparison.hpp"
#include "runtime/context.hpp"
#include "runtime/copy.hpp"
#include "runtime/device_buffer.hpp"

// The one table of cases. A row proves an op against its CPU brother (`check`: parity, sentinels, the same bits every time) and times it (`time`).

namespace qpvo::gpu {

/// Where most of the arithmetic of a row happens: the ceiling that it is measured against.
enum class Arithmetic { fp32, halfTensorCores, byteTensorCores };

/// What `time` repeats.
struct Work {
  std::function<void()> enqueue;  ///< one run on the context's stream; owns what it works on
  double bytes = 0.0;             ///< that must be read and written once, each counted once however often the caches serve it
  double operations = 0.0;        ///< multiplications and additions
  Arithmetic arithmetic = Arithmetic::fp32;
};

struct Case {
  std::string op;      ///< "correlate"
  std::string name;    ///< size and kind of input: "fp16, 3 pairs of 17 patches"
  double tolerance;    ///< of Comparison::close and closeInTheMean
  std::string reason;  ///< of the tolerance: type, length of the accumulation, what was measured
  /// Makes its inputs (the same ones every time), runs the op, waits, and compares with the reference. Left empty in rows that are only timed.
  std::function<void(cuda::Context&, Comparison&)> check;
  /// Allocates and uploads. Left empty in rows that are only checked.
  std::function<Work(cuda::Context&)> prepare;
  /// Too large for the emulation: checked on a GPU only.
  bool large = false;
};

using Table = std::vector<Case>;

/// Rows of one file, added before main begins:  const Rows rows([](Table& table) { table.push_back({...}); });
class Rows {
 public:
  explicit Rows(std::function<void(Table&)> add);
};

/// All rows of all files, by op.
Table allCases();

/// Numbers for inputs: the same sequence on every machine (splitmix64).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t bits();
  float uniform(float least, float most);
  int integer(int least, int most);  ///< both included
  std::vector<float> uniforms(std::size_t count, float least, float most);

 private:
  std::uint64_t state_;
};

/// A device array with these values, on the context's stream.
template <class T>
cuda::DeviceBuffer<T> onDevice(const cuda::Context& context, const std::vector<T>& values) {
  cuda::DeviceBuffer<T> buffer(values.size());
  cuda::upload(buffer.data(), values.data(), values.size(), context.stream());
  return buffer;
}

/// Its values, after everything before it on the stream.
template <class T>
std::vector<T> onHost(const cuda::Context& context, const cuda::DeviceBuffer<T>& buffer) {
  std::vector<T> values(buffer.size());
  cuda::download(values.data(), buffer.data(), values.size(), context.stream());
  context.synchronize();
  return values;
}

}  // namespace qpvo::gpu
