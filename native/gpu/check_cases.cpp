// SPDX-License-Identifier: MIT
#include "check_cases.hpp"

#include <chrono>
#include <cstdio>
#include <exception>

#include "orders.hpp"

namespace qpvo::gpu {

namespace {

struct Outcome {
  bool passed;
  std::string text;
};

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.2g", value);
  return text;
}

/// One run. An error, also of the emulation, fails the row and not the program.
Outcome checkOnce(const Case& row, cuda::Context& context, std::uint64_t& bits) {
  Comparison comparison;
  try {
    cuda::damagedBuffers();
    row.check(context, comparison);
    context.synchronize();
  } catch (const std::exception& error) {
    return {false, error.what()};
  }
  bits = comparison.bits();
  const std::size_t damaged = cuda::damagedBuffers();
  if (damaged > 0) return {false, "wrote beside " + std::to_string(damaged) + " buffers"};
  if (comparison.wrong()) return {false, comparison.where()};
  const std::string difference = "difference " + number(comparison.worst()) + ", tolerance " + number(row.tolerance);
  if (!(comparison.worst() <= row.tolerance)) return {false, difference + " (" + row.reason + "): " + comparison.where()};
  return {true, difference};
}

Outcome checkRow(const Case& row, cuda::Context& context) {
  Outcome outcome{true, ""};
  std::uint64_t first = 0;
  bool isFirst = true;
  for (const std::string& order : orders()) {
    choose(order);
    std::uint64_t bits = 0;
    const Outcome once = checkOnce(row, context, bits);
    if (!once.passed) return {false, "run " + order + ": " + once.text};
    if (!isFirst && bits != first) return {false, "run " + order + " has other bits than run " + orders().front()};
    if (isFirst) outcome = once;
    first = bits;
    isFirst = false;
  }
  return outcome;
}

}  // namespace

bool isNamed(const Case& row, const std::string& text) { return (row.op + ": " + row.name).find(text) != std::string::npos; }

bool checkCases(const Table& table, cuda::Context& context, const std::string& only, bool withLarge) {
  int passed = 0, failed = 0, skipped = 0;
  for (const Case& row : table) {
    if (!row.check || !isNamed(row, only)) continue;
    if (row.large && !withLarge) {
      std::printf("skipped  %s: %s (large: on a GPU without --small, or with --full)\n", row.op.c_str(), row.name.c_str());
      ++skipped;
      continue;
    }
    const auto start = std::chrono::steady_clock::now();
    const Outcome outcome = checkRow(row, context);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::printf("%s  %s: %s: %s [%.2f s]\n", outcome.passed ? "passed " : "FAILED ", row.op.c_str(), row.name.c_str(), outcome.text.c_str(), seconds);
    std::fflush(stdout);
    ++(outcome.passed ? passed : failed);
  }
  std::printf("%d passed, %d failed, %d skipped; each in %zu runs with the same bits\n", passed, failed, skipped, orders().size());
  return failed == 0 && passed > 0;
}

}  // namespace qpvo::gpu
