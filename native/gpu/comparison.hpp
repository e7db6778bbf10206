// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace qpvo::gpu {

/// Collects how far an op's results are from what they should be, and their bits, by which two runs are compared.
class Comparison {
 public:
  /// Difference of each value over `scale`; the largest counts. A value that is not finite where the expected one is differs infinitely.
  void close(const std::string& what, std::span<const float> actual, std::span<const float> expected, double scale = 1.0);
  void close(const std::string& what, std::span<const double> actual, std::span<const double> expected, double scale = 1.0);
  /// Root mean square of the difference over `scale`, for results in low precision whose single values may fall on the other side of a rounding.
  void closeInTheMean(const std::string& what, std::span<const float> actual, std::span<const float> expected, double scale = 1.0);
  /// Must be the same whatever the row's tolerance is.
  template <class T>
  void same(const std::string& what, const std::vector<T>& actual, const std::vector<T>& expected) {
    identical(what, {reinterpret_cast<const unsigned char*>(actual.data()), actual.size() * sizeof(T)},
              {reinterpret_cast<const unsigned char*>(expected.data()), expected.size() * sizeof(T)}, sizeof(T));
  }
  void holds(const std::string& what, bool condition);
  /// Results that have no reference but must have the same bits every time.
  template <class T>
  void keep(const std::vector<T>& results) {
    digest({reinterpret_cast<const unsigned char*>(results.data()), results.size() * sizeof(T)});
  }

  double worst() const { return worst_; }
  /// What differs most, or the exact results that are wrong.
  const std::string& where() const { return where_; }
  bool wrong() const { return wrong_; }
  std::uint64_t bits() const { return bits_; }

 private:
  void identical(const std::string& what, std::span<const unsigned char> actual, std::span<const unsigned char> expected, std::size_t size);
  void digest(std::span<const unsigned char> bytes);
  void differs(const std::string& what, double by);
  void refuse(const std::string& what);

  double worst_ = 0.0;
  bool wrong_ = false;
  std::string where_;
  std::uint64_t bits_ = 0xcbf29ce484222325u;
};

/// Largest absolute value, for relative comparisons; 1 when there is none.
double largest(std::span<const float> values);

}  // namespace qpvo::gpu
