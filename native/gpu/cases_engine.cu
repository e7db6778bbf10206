// SPDX-License-Identifier: MIT
#include <cuda_fp16.h>

#include <algorithm>
#include <map>
#include <memory>
#include <numeric>
#include <string>

#include "cases.hpp"
#include "runtime/launch.hpp"
#include "tensorrt/engine_encoder.hpp"
#include "tensorrt/engine_update.hpp"

// What runs round engines of TensorRT, with doubles of the engines: which value goes where. The doubles only move values that half precision can hold, so all is exact.

namespace qpvo::gpu {

namespace {

using namespace qpvo::cuda;
using qpvo::tensorrt::Element;
using qpvo::tensorrt::EngineTensor;

constexpr unsigned kThreads = 128;

/// An engine with these tensors, that does what a function does with their places.
class DoubleSession final : public tensorrt::Session {
 public:
  using Places = std::map<std::string, void*>;

  DoubleSession(std::vector<EngineTensor> tensors, std::size_t scratchBytes, std::function<void(const Places&, cudaStream_t)> work)
      : tensors_(std::move(tensors)), scratchBytes_(scratchBytes), work_(std::move(work)) {}

  const std::vector<EngineTensor>& tensors() const override { return tensors_; }
  std::size_t scratchBytes() const override { return scratchBytes_; }
  void useScratch(void* memory, std::size_t bytes) override { hasScratch_ = memory != nullptr && bytes >= scratchBytes_; }
  void bind(const char* name, void* data) override { places_[name] = data; }
  void run(cudaStream_t stream) override {
    if (!hasScratch_ || places_.size() != tensors_.size()) throw std::runtime_error("expected scratch memory and a place for every tensor before the first run");
    work_(places_, stream);
  }

 private:
  std::vector<EngineTensor> tensors_;
  std::size_t scratchBytes_;
  std::function<void(const Places&, cudaStream_t)> work_;
  bool hasScratch_ = false;
  Places places_;
};

/// Numbers that half precision holds exactly.
std::vector<float> exactNumbers(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random.integer(-512, 512)) / 64.0F;
  return values;
}

template <class T>
std::vector<T> as(const std::vector<float>& values) {
  std::vector<T> converted(values.size());
  if constexpr (std::is_same_v<T, float>) {
    converted = values;
  } else {
    std::transform(values.begin(), values.end(), converted.begin(), [](float value) { return __float2half_rn(value); });
  }
  return converted;
}

std::vector<float> floats(const std::vector<float>& values) { return values; }
std::vector<float> floats(const std::vector<__half>& values) {
  std::vector<float> converted(values.size());
  std::transform(values.begin(), values.end(), converted.begin(), [](__half value) { return __half2float(value); });
  return converted;
}

/// Pixel i of the planes is pixel i * step of the image, round and round.
__global__ void pickPixels(const float* image, int imagePixels, int step, float* planes, int count) {
  const int i = static_cast<int>(blockIdx.x * kThreads + threadIdx.x);
  if (i < count) planes[i] = image[static_cast<int>(static_cast<long long>(i) * step % imagePixels)];
}

/// Element d of cell m: the image at the cell's number, plus d.
__global__ void readCells(const float* image, const std::int32_t* cells, int width, float* context) {
  const float pixel = image[cells[blockIdx.x]];
  for (int d = static_cast<int>(threadIdx.x); d < width; d += kThreads) context[blockIdx.x * width + d] = pixel + static_cast<float>(d);
}

struct EncoderCase {
  int channels, width, height, featureDim, hiddenDim, patches, count;
};

template <class T>
void checkEncoder(Context& context, Comparison& comparison, const EncoderCase& c) {
  const int pixels = c.channels * c.width * c.height, cellCount = (c.width / 4) * (c.height / 4), planeCount = cellCount * c.featureDim, step = 37;
  const EngineTensor image{"image", true, Element::fp32, {1, c.channels, c.height, c.width}};
  const EngineTensor planes{"features", false, Element::fp32, {1, c.featureDim, c.height / 4, c.width / 4}};
  auto features = std::make_unique<DoubleSession>(std::vector{image, planes}, 1000, [=](const DoubleSession::Places& at, cudaStream_t stream) {
    launch("double", pickPixels, {.blocksX = blocksFor(planeCount, kThreads), .threads = kThreads}, stream, static_cast<const float*>(at.at("image")), pixels, step,
           static_cast<float*>(at.at("features")), planeCount);
  });
  const EngineTensor cells{"cells", true, Element::int32, {c.patches}}, contexts{"context", false, Element::fp32, {c.patches, c.hiddenDim}};
  auto crops = std::make_unique<DoubleSession>(std::vector{image, cells, contexts}, 0, [=](const DoubleSession::Places& at, cudaStream_t stream) {
    launch("double", readCells, {.blocksX = static_cast<unsigned>(c.patches), .threads = kThreads}, stream, static_cast<const float*>(at.at("image")),
           static_cast<const std::int32_t*>(at.at("cells")), c.hiddenDim, static_cast<float*>(at.at("context")));
  });
  const Precision precision = std::is_same_v<T, float> ? Precision::fp32 : Precision::int8;
  tensorrt::EngineEncoder encoder(std::move(features), std::move(crops), {c.channels, c.width, c.height, c.featureDim, c.hiddenDim, c.patches}, precision);

  const auto recorded = exactNumbers(pixels, 1);
  Random random(2);
  std::vector<std::int32_t> centres(c.patches);
  for (auto& centre : centres) centre = random.integer(0, cellCount - 1);
  const auto deviceImage = onDevice(context, recorded);
  const auto deviceCells = onDevice(context, centres);
  DeviceBuffer<T> map(planeCount);
  DeviceBuffer<float> context_(static_cast<std::size_t>(c.patches) * c.hiddenDim);
  encoder.encode(deviceImage.data(), deviceCells.data(), c.count, map.data(), context_.data(), context.stream());

  std::vector<float> expectedMap(planeCount), expectedContext(context_.size(), 0.0F);
  for (int channel = 0; channel < c.featureDim; ++channel) {
    for (int cell = 0; cell < cellCount; ++cell) {
      expectedMap[cell * c.featureDim + channel] = recorded[static_cast<long long>(channel * cellCount + cell) * step % pixels];
    }
  }
  for (int m = 0; m < c.count; ++m) {
    for (int d = 0; d < c.hiddenDim; ++d) expectedContext[m * c.hiddenDim + d] = recorded[centres[m]] + static_cast<float>(d);
  }
  comparison.same("features, channels last", floats(onHost(context, map)), expectedMap);
  comparison.same("context", onHost(context, context_), expectedContext);
}

struct UpdateCase {
  int sources, targets, patches, hiddenDim, correlationLength;
  std::vector<int> counts;  ///< targets of each source that there is
};

struct Lengths {
  int targets, patches, hiddenDim, correlationLength;
};

__device__ float number(float value) { return value; }
__device__ float number(__half value) { return __half2float(value); }

/// The double: hiddenOut = hidden; delta = (first of correlation, first of context); weight = (mask, last of correlation).
template <class T>
__global__ void route(const T* hidden, const T* context, const T* correlation, const T* mask, Lengths l, T* hiddenOut, float* delta, float* weight) {
  const int slot = static_cast<int>(blockIdx.x), source = slot / l.targets;
  for (int m = static_cast<int>(threadIdx.x); m < l.patches; m += kThreads) {
    const int edge = slot * l.patches + m;
    const T* const row = correlation + static_cast<std::size_t>(edge) * l.correlationLength;
    delta[2 * edge] = number(row[0]);
    delta[2 * edge + 1] = number(context[(source * l.patches + m) * l.hiddenDim]);
    weight[2 * edge] = number(mask[slot]);
    weight[2 * edge + 1] = number(row[l.correlationLength - 1]);
    for (int d = 0; d < l.hiddenDim; ++d) hiddenOut[edge * l.hiddenDim + d] = hidden[edge * l.hiddenDim + d];
  }
}

template <class T>
std::unique_ptr<DoubleSession> doubleUpdate(const UpdateCase& c) {
  const Element state = std::is_same_v<T, float> ? Element::fp32 : Element::fp16;
  const std::int64_t S = c.sources, M = c.patches, D = c.hiddenDim, edges = S * c.targets * M;
  std::vector<EngineTensor> tensors{{"hidden", true, state, {S, c.targets, M, D}},          {"context", true, state, {S, 1, M, D}},
                                    {"correlation", true, state, {edges, c.correlationLength}}, {"mask", true, state, {S, c.targets, 1, 1}},
                                    {"hiddenOut", false, state, {edges, D}},                {"delta", false, Element::fp32, {edges, 2}},
                                    {"weight", false, Element::fp32, {edges, 2}}};
  const Lengths lengths{c.targets, c.patches, c.hiddenDim, c.correlationLength};
  const unsigned slots = static_cast<unsigned>(c.sources * c.targets);
  return std::make_unique<DoubleSession>(std::move(tensors), 500, [=](const DoubleSession::Places& at, cudaStream_t stream) {
    const auto state_ = [&](const char* name) { return static_cast<T*>(at.at(name)); };
    launch("double", route<T>, {.blocksX = slots, .threads = kThreads}, stream, state_("hidden"), state_("context"), state_("correlation"), state_("mask"), lengths,
           state_("hiddenOut"), static_cast<float*>(at.at("delta")), static_cast<float*>(at.at("weight")));
  });
}

/// Pairs in an order of their own, as after removals, sources in any ring slots.
struct Pairs {
  std::vector<std::int32_t> source, previous, next;
  int ringSlots;
};

Pairs shuffledPairs(const std::vector<int>& counts) {
  const int total = std::accumulate(counts.begin(), counts.end(), 0);
  std::vector<std::int32_t> place(total);
  std::iota(place.begin(), place.end(), 0);
  Random random(7);
  for (int i = total - 1; i > 0; --i) std::swap(place[i], place[random.integer(0, i)]);
  Pairs pairs{std::vector<std::int32_t>(total), std::vector<std::int32_t>(total, -1), std::vector<std::int32_t>(total, -1), static_cast<int>(counts.size()) + 2};
  int at = 0;
  for (std::size_t s = 0; s < counts.size(); ++s) {
    for (int t = 0; t < counts[s]; ++t, ++at) {
      pairs.source[place[at]] = static_cast<std::int32_t>(counts.size() + 1 - s);
      if (t > 0) pairs.previous[place[at]] = place[at - 1];
      if (t + 1 < counts[s]) pairs.next[place[at]] = place[at + 1];
    }
  }
  return pairs;
}

template <class T>
void checkUpdate(Context& context, Comparison& comparison, const UpdateCase& c) {
  const Pairs pairs = shuffledPairs(c.counts);
  const int count = static_cast<int>(pairs.source.size()), spare = 2, all = count + spare;
  const Precision precision = std::is_same_v<T, float> ? Precision::fp32 : Precision::fp16;
  tensorrt::EngineUpdate update(doubleUpdate<T>(c), {c.hiddenDim, c.correlationLength, c.patches, pairs.ringSlots, all}, precision);

  const std::size_t edges = static_cast<std::size_t>(all) * c.patches;
  const auto hidden = exactNumbers(edges * c.hiddenDim, 3), correlation = exactNumbers(edges * c.correlationLength, 4);
  const auto ring = exactNumbers(static_cast<std::size_t>(pairs.ringSlots) * c.patches * c.hiddenDim, 5);
  const auto deviceHidden = onDevice(context, as<T>(hidden)), deviceCorrelation = onDevice(context, as<T>(correlation));
  const auto deviceRing = onDevice(context, ring);
  DeviceBuffer<T> hiddenOut(edges * c.hiddenDim);
  DeviceBuffer<float> delta(edges * 2), weight(edges * 2);
  // The last arrangement counts, though tables may be on their way while the next ones are made.
  for (int repeat = 0; repeat < 20; ++repeat) {
    const int part = repeat % 2 == 0 ? 0 : count;
    update.arrange({part, pairs.source.data(), pairs.previous.data(), pairs.next.data()}, context.stream());
  }
  update.run({deviceHidden.data(), deviceRing.data(), deviceCorrelation.data(), hiddenOut.data(), delta.data(), weight.data()}, context.stream());

  std::vector<float> expectedHidden(hidden.size(), 0.0F), expectedDelta(edges * 2, 0.0F), expectedWeight(edges * 2, 0.0F);
  for (std::size_t edge = 0; edge < static_cast<std::size_t>(count) * c.patches; ++edge) {
    const std::size_t source = pairs.source[edge / c.patches], patch = edge % c.patches;
    std::copy_n(hidden.begin() + edge * c.hiddenDim, c.hiddenDim, expectedHidden.begin() + edge * c.hiddenDim);
    expectedDelta[2 * edge] = correlation[edge * c.correlationLength];
    expectedDelta[2 * edge + 1] = ring[(source * c.patches + patch) * c.hiddenDim];
    expectedWeight[2 * edge] = 1.0F;
    expectedWeight[2 * edge + 1] = correlation[(edge + 1) * c.correlationLength - 1];
  }
  comparison.same("hidden state", floats(onHost(context, hiddenOut)), expectedHidden);
  comparison.same("delta", onHost(context, delta), expectedDelta);
  comparison.same("weight", onHost(context, weight), expectedWeight);
}

const Rows rows([](Table& table) {
  const std::string exact = "values are moved, and are exact in half precision";
  for (const auto& [name, sizes] : {std::pair{"96x96, one patch", EncoderCase{1, 96, 96, 8, 16, 1, 1}},
                                    {"112x96, 5 of 7 cells, odd channels", EncoderCase{3, 112, 96, 35, 48, 7, 5}},
                                    {"128x96, no cell", EncoderCase{1, 128, 96, 64, 128, 4, 0}}}) {
    const auto add = [&, title = std::string(name)](const char* precision, auto check) {
      table.push_back({"engine encoder", title + precision, 0.0, exact, [check, sizes = sizes](Context& c, Comparison& r) { check(c, r, sizes); }, {}, false});
    };
    add(", fp32", checkEncoder<float>);
    add(", fp16", checkEncoder<__half>);
  }
  for (const auto& [name, sizes] : {std::pair{"one pair", UpdateCase{1, 1, 1, 4, 2, {1}}},
                                    {"full", UpdateCase{3, 5, 7, 12, 882, {5, 5, 5}}},
                                    {"sources of 4, 1 and 2 of 5 targets", UpdateCase{5, 5, 48, 128, 882, {4, 1, 2}}},
                                    {"no pair", UpdateCase{4, 3, 5, 8, 18, {}}}}) {
    const auto add = [&, title = std::string(name)](const char* precision, auto check) {
      table.push_back({"engine update", title + precision, 0.0, exact, [check, sizes = sizes](Context& c, Comparison& r) { check(c, r, sizes); }, {}, false});
    };
    add(", fp32", checkUpdate<float>);
    add(", fp16", checkUpdate<__half>);
  }
});

}  // namespace

}  // namespace qpvo::gpu
