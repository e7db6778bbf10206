// SPDX-License-Identifier: MIT
#include "update_networks.hpp"

#include <cuda_fp16.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace qpvo::gpu {

namespace {

constexpr float kSignedScale = 0.04f, kUnsignedScale = 0.02f;
constexpr int kSpareSlots = 3;

/// A width inside a branch: of the full one, less some that is no multiple of 8.
int innerWidth(const UpdateSizes& sizes, int less) { return sizes.narrow ? sizes.hiddenDim - less : sizes.hiddenDim; }

}  // namespace

MadeUpNetwork::MadeUpNetwork(const UpdateSizes& sizes, LayerTypes types, std::uint64_t seed) : width_(sizes.hiddenDim), types_(types), random_(seed) {
  const int D = width_;
  const auto branch = [&](const std::string& first, const std::string& second, int inner) {
    addLayer(first, D, inner, false);
    addLayer(second, inner, D, true);
  };
  const int corr = innerWidth(sizes, 4);
  addLayer("corr.0", sizes.correlationLength, corr, false);
  addLayer("corr.2", corr, D, true);
  addLayer("corr.5", D, D, true);
  branch("c1.0", "c1.2", innerWidth(sizes, 12));
  branch("c2.0", "c2.2", innerWidth(sizes, 8));
  branch("gru.1.res.0", "gru.1.res.2", innerWidth(sizes, 4));
  branch("gru.3.res.0", "gru.3.res.2", innerWidth(sizes, 12));
  for (const char* name : {"agg_kk", "agg_ij"}) {
    const int inner = innerWidth(sizes, 12);
    for (const char* layer : {".f", ".g"}) addLayer(std::string(name) + layer, D, inner, false);
    addLayer(std::string(name) + ".h", inner, D, false);
  }
  for (const char* name : {"gru.1.gate.0", "gru.3.gate.0"}) addLayer(name, D, D, false);
  for (const char* name : {"corr.3", "norm", "gru.0", "gru.2"}) addNorm(name);
  for (const char* name : {"update.d.1", "update.w.1"}) {
    add(std::string(name) + ".weight", {2, static_cast<std::size_t>(D)}, random_.uniforms(std::size_t{2} * D, -0.2f, 0.2f));
    add(std::string(name) + ".bias", {2}, random_.uniforms(2, -0.5f, 0.5f));
  }
}

std::vector<float>& MadeUpNetwork::values(const std::string& name) {
  return *std::find_if(floats_.begin(), floats_.end(), [&](const std::vector<float>& values) { return values.data() == tensors_.at(name).values; });
}

void MadeUpNetwork::addLayer(const std::string& layer, int inputs, int outputs, bool afterRelu) {
  const std::string name = "update." + layer;
  const std::vector<std::size_t> shape{static_cast<std::size_t>(outputs), static_cast<std::size_t>(inputs)};
  const float range = std::sqrt(3.0f / static_cast<float>(inputs));
  const std::size_t count = shape[0] * shape[1];
  add(name + ".bias", {shape[0]}, random_.uniforms(shape[0], -0.2f, 0.2f));
  if (types_ == LayerTypes::floats || (types_ == LayerTypes::mixed && (layer.starts_with("corr.2") || layer.starts_with("c1") || layer.starts_with("gru.3")))) {
    std::vector<float> values = random_.uniforms(count, -range, range);
    for (float& value : values) value = __half2float(__float2half_rn(value));
    return add(name + ".weight", shape, std::move(values));
  }
  bytes_.emplace_back(count);
  for (std::int8_t& value : bytes_.back()) value = static_cast<std::int8_t>(random_.integer(-127, 127));
  tensors_[name + ".weight"] = {shape, nullptr, bytes_.back().data()};
  add(name + ".weight_scale", {shape[0]}, random_.uniforms(shape[0], 0.8f * range / 127, 1.2f * range / 127));
  add(name + ".input_scale", {1}, {afterRelu ? kUnsignedScale : kSignedScale});
}

void MadeUpNetwork::addNorm(const std::string& name) {
  const std::size_t width = static_cast<std::size_t>(width_);
  add("update." + name + ".weight", {width}, random_.uniforms(width, 0.7f, 1.3f));
  add("update." + name + ".bias", {width}, random_.uniforms(width, -0.3f, 0.3f));
}

void MadeUpNetwork::add(const std::string& name, std::vector<std::size_t> shape, std::vector<float> values) {
  floats_.push_back(std::move(values));
  tensors_[name] = {std::move(shape), floats_.back().data(), nullptr};
}

UpdateWorkload::UpdateWorkload(const UpdateSizes& s, bool halves, std::uint64_t seed) : sizes(s), ringSlots(static_cast<int>(s.chains.size()) + kSpareSlots) {
  Random random(seed);
  const int count = std::accumulate(s.chains.begin(), s.chains.end(), 0);
  std::vector<int> place(count), slot(ringSlots);
  std::iota(place.begin(), place.end(), 0);
  std::iota(slot.begin(), slot.end(), 0);
  for (std::vector<int>* order : {&place, &slot}) {
    for (int n = static_cast<int>(order->size()) - 1; n > 0; --n) std::swap((*order)[n], (*order)[random.integer(0, n)]);
  }
  source.resize(count);
  previous.assign(count, -1);
  next.assign(count, -1);
  int first = 0;
  for (std::size_t chain = 0; chain < s.chains.size(); first += s.chains[chain++]) {
    for (int target = 0; target < s.chains[chain]; ++target) {
      const int pair = place[first + target];
      source[pair] = slot[chain];
      if (target > 0) previous[pair] = place[first + target - 1];
      if (target + 1 < s.chains[chain]) next[pair] = place[first + target + 1];
    }
  }
  const std::size_t edges = static_cast<std::size_t>(count) * s.patches;
  hidden = random.uniforms(edges * s.hiddenDim, -1.5f, 1.5f);
  context = random.uniforms(static_cast<std::size_t>(ringSlots) * s.patches * s.hiddenDim, -0.5f, 0.5f);
  correlation = random.uniforms(edges * s.correlationLength, -2, 4);
  if (!halves) return;
  for (std::vector<float>* values : {&hidden, &correlation}) {
    for (float& value : *values) value = __half2float(__float2half_rn(value));
  }
}

UpdateResults expectedUpdate(const UpdateWorkload& w, const network::Tensors& tensors) {
  const std::size_t edges = static_cast<std::size_t>(w.pairs()) * w.sizes.patches;
  UpdateResults out{std::vector<float>(edges * w.sizes.hiddenDim), std::vector<float>(2 * edges), std::vector<float>(2 * edges)};
  network::UpdateOperator cpu({w.sizes.hiddenDim, w.sizes.correlationLength, w.sizes.patches, w.ringSlots, std::max(w.pairs(), 1), 1, ""}, tensors);
  cpu.arrange(w.table());
  cpu.run({w.hidden.data(), w.context.data(), w.correlation.data(), nullptr, out.hidden.data(), out.delta.data(), out.weight.data()});
  return out;
}

}  // namespace qpvo::gpu
