// SPDX-License-Identifier: MIT
#include "comparison.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace qpvo::gpu {

namespace {

double distance(double actual, double expected) {
  if (actual == expected || (std::isnan(actual) && std::isnan(expected))) return 0.0;
  const double difference = std::abs(actual - expected);
  return std::isfinite(difference) ? difference : std::numeric_limits<double>::infinity();
}

template <class T>
std::span<const unsigned char> bytesOf(std::span<const T> values) {
  return {reinterpret_cast<const unsigned char*>(values.data()), values.size_bytes()};
}

struct Farthest {
  double by = 0.0;
  std::size_t at = 0;
};

template <class T>
Farthest farthest(std::span<const T> actual, std::span<const T> expected) {
  Farthest found;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double by = distance(actual[i], expected[i]);
    if (by > found.by) found = {by, i};
  }
  return found;
}

template <class T>
std::string sentence(const std::string& what, const Farthest& at, std::span<const T> actual, std::span<const T> expected) {
  if (actual.empty()) return what;
  return what + "[" + std::to_string(at.at) + "] is " + std::to_string(actual[at.at]) + ", expected " + std::to_string(expected[at.at]);
}

}  // namespace

void Comparison::differs(const std::string& what, double by) {
  if (by <= worst_ && !where_.empty()) return;
  worst_ = std::max(worst_, by);
  if (!wrong_) where_ = what;
}

void Comparison::refuse(const std::string& what) {
  where_ = wrong_ ? where_ + "; " + what : what;
  wrong_ = true;
}

void Comparison::close(const std::string& what, std::span<const float> actual, std::span<const float> expected, double scale) {
  digest(bytesOf(actual));
  if (actual.size() != expected.size()) return refuse(what + " has another length");
  const Farthest at = farthest(actual, expected);
  differs(sentence(what, at, actual, expected), at.by / scale);
}

void Comparison::close(const std::string& what, std::span<const double> actual, std::span<const double> expected, double scale) {
  digest(bytesOf(actual));
  if (actual.size() != expected.size()) return refuse(what + " has another length");
  const Farthest at = farthest(actual, expected);
  differs(sentence(what, at, actual, expected), at.by / scale);
}

void Comparison::closeInTheMean(const std::string& what, std::span<const float> actual, std::span<const float> expected, double scale) {
  digest(bytesOf(actual));
  if (actual.size() != expected.size()) return refuse(what + " has another length");
  double sum = 0.0;
  for (std::size_t i = 0; i < actual.size(); ++i) sum += std::pow(distance(actual[i], expected[i]), 2);
  differs(what + " in the mean", actual.empty() ? 0.0 : std::sqrt(sum / static_cast<double>(actual.size())) / scale);
}

void Comparison::identical(const std::string& what, std::span<const unsigned char> actual, std::span<const unsigned char> expected, std::size_t size) {
  digest(actual);
  if (actual.size() != expected.size()) return refuse(what + " has another length");
  const auto [a, b] = std::mismatch(actual.begin(), actual.end(), expected.begin());
  if (a != actual.end()) refuse(what + "[" + std::to_string(static_cast<std::size_t>(a - actual.begin()) / size) + "] is not what it should be exactly");
}

void Comparison::holds(const std::string& what, bool condition) {
  if (!condition) refuse("not so: " + what);
}

void Comparison::digest(std::span<const unsigned char> bytes) {
  for (const unsigned char byte : bytes) bits_ = (bits_ ^ byte) * 0x100000001b3u;
}

double largest(std::span<const float> values) {
  double most = 0.0;
  for (const float value : values) most = std::max(most, static_cast<double>(std::abs(value)));
  return most > 0.0 ? most : 1.0;
}

}  // namespace qpvo::gpu
