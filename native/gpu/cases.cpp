// SPDX-License-Identifier: MIT
#include "cases.hpp"

#include <algorithm>
#include <utility>

namespace qpvo::gpu {

namespace {

std::vector<std::function<void(Table&)>>& files() {
  static std::vector<std::function<void(Table&)>> instance;
  return instance;
}

}  // namespace

Rows::Rows(std::function<void(Table&)> add) { files().push_back(std::move(add)); }

Table allCases() {
  Table table;
  for (const auto& add : files()) add(table);
  std::stable_sort(table.begin(), table.end(), [](const Case& a, const Case& b) { return a.op < b.op; });
  return table;
}

std::uint64_t Random::bits() {
  state_ += 0x9e3779b97f4a7c15u;
  std::uint64_t mixed = state_;
  mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
  mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
  return mixed ^ mixed >> 31;
}

float Random::uniform(float least, float most) { return least + (most - least) * static_cast<float>(bits() >> 40) * 0x1p-24f; }

int Random::integer(int least, int most) { return least + static_cast<int>(bits() % static_cast<std::uint64_t>(most - least + 1)); }

std::vector<float> Random::uniforms(std::size_t count, float least, float most) {
  std::vector<float> values(count);
  for (float& value : values) value = uniform(least, most);
  return values;
}

}  // namespace qpvo::gpu
