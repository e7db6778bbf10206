// SPDX-License-Identifier: MIT
#include "golden.hpp"

#include <cuda_fp16.h>

#include <memory>
#include <span>

#include "correlation_packing.hpp"
#include "json.hpp"
#include "network/parts.hpp"
#include "qpvo/state.hpp"
#include "safetensors.hpp"

namespace qpvo::gpu {

namespace {

using cuda::Context;
using cuda::DeviceBuffer;
using cuda::Precision;

/// A model's weights, the inputs and results stored beside it, and the normalisation of its image: two frames, all four pairs.
struct Model {
  Safetensors weights, golden;
  float scale, offset;
};

constexpr int kFrames = 2, kPairs = 4;

std::span<const float> half(const std::vector<float>& values, int n) { return std::span(values).subspan(n * values.size() / kFrames, values.size() / kFrames); }

template <class T>
std::vector<T> converted(std::span<const float> values) {
  std::vector<T> result;
  for (const float value : values) result.push_back(static_cast<T>(value));
  return result;
}

/// From a device array of floats or halves.
std::vector<float> floats(const Context& context, const DeviceBuffer<float>& buffer, const DeviceBuffer<__half>& halves) {
  if (buffer.size() > 0) return onHost(context, buffer);
  std::vector<float> values;
  for (const __half value : onHost(context, halves)) values.push_back(__half2float(value));
  return values;
}

/// An array that the network holds in float or __half.
class Activations {
 public:
  Activations(Precision precision, std::size_t count) : floats_(precision == Precision::fp32 ? count : 0), halves_(precision == Precision::fp32 ? 0 : count) {}
  void upload(const Context& context, const std::vector<float>& values) {
    if (floats_.size() > 0) {
      floats_ = onDevice(context, values);
    } else {
      halves_ = onDevice(context, converted<__half>(values));
    }
  }
  void* data() { return floats_.size() > 0 ? static_cast<void*>(floats_.data()) : halves_.data(); }
  std::vector<float> values(const Context& context) const { return floats(context, floats_, halves_); }

 private:
  DeviceBuffer<float> floats_;
  DeviceBuffer<__half> halves_;
};

/// Rows in fp32 are held to every value, others to the root mean square, both of the largest expected value.
void compare(Comparison& comparison, Precision precision, const std::string& what, const std::vector<float>& actual, const std::vector<float>& expected) {
  if (precision == Precision::fp32) {
    comparison.close(what, actual, expected, largest(expected));
  } else {
    comparison.closeInTheMean(what, actual, expected, largest(expected));
  }
}

void checkEncoder(const Model& model, Precision precision, Context& context, Comparison& comparison) {
  const auto& imageShape = model.golden.shape("image");
  const int height = static_cast<int>(imageShape[2]), width = static_cast<int>(imageShape[3]), patches = static_cast<int>(model.golden.shape("cells")[1]);
  const std::size_t area = static_cast<std::size_t>(width / 4) * static_cast<std::size_t>(height / 4), depth = model.golden.shape("features")[1];
  const auto encoder = cuda::network::makeEncoder(context, {width, height, patches}, precision, model.weights.under("patchify."));
  Activations features(encoder->featurePrecision(), area * depth);
  DeviceBuffer<float> contextOut(half(model.golden.values("context"), 0).size());
  for (int n = 0; n < kFrames; ++n) {
    std::vector<float> pixels;
    for (const float value : half(model.golden.values("image"), n)) pixels.push_back(model.scale * value + model.offset);
    const auto image = onDevice(context, pixels);
    const auto cells = onDevice(context, converted<std::int32_t>(half(model.golden.values("cells"), n)));
    encoder->encode(image.data(), cells.data(), patches, features.data(), contextOut.data(), context.stream());
    const auto channelsLast = features.values(context);
    std::vector<float> planes(channelsLast.size());
    for (std::size_t i = 0; i < planes.size(); ++i) planes[i] = channelsLast[i % area * depth + i / area];
    const auto expected = half(model.golden.values("features"), n), expectedContext = half(model.golden.values("context"), n);
    compare(comparison, precision, "features", planes, {expected.begin(), expected.end()});
    compare(comparison, precision, "context", onHost(context, contextOut), {expectedContext.begin(), expectedContext.end()});
  }
}

void checkUpdate(const Model& model, Precision precision, Context& context, Comparison& comparison) {
  const int patches = static_cast<int>(model.golden.shape("cells")[1]), hiddenDim = static_cast<int>(model.golden.shape("hidden")[2]);
  const auto update = cuda::network::makeUpdate(context, {hiddenDim, kCorrelationDim, patches, kFrames, kPairs}, precision, model.weights.under("update."));
  const std::size_t rows = static_cast<std::size_t>(kPairs) * static_cast<std::size_t>(patches);
  Activations hiddenIn(update->statePrecision(), rows * static_cast<std::size_t>(hiddenDim)), hiddenOut(update->statePrecision(), rows * static_cast<std::size_t>(hiddenDim));
  hiddenIn.upload(context, model.golden.values("hidden"));
  auto correlation = onDevice(context, packedRows(model.golden.values("correlation"), kCorrelationDim, update->correlationRows()));
  const auto contextRing = onDevice(context, model.golden.values("context"));
  DeviceBuffer<float> delta(2 * rows), weight(2 * rows);
  const std::int32_t source[] = {0, 0, 1, 1}, previous[] = {-1, 0, -1, 2}, next[] = {1, -1, 3, -1};
  update->arrange({kPairs, source, previous, next}, context.stream());
  update->run({hiddenIn.data(), contextRing.data(), correlation.data(), hiddenOut.data(), delta.data(), weight.data()}, context.stream());
  compare(comparison, precision, "hidden state", hiddenOut.values(context), model.golden.values("hiddenOut"));
  compare(comparison, precision, "delta", onHost(context, delta), model.golden.values("delta"));
  compare(comparison, precision, "weight", onHost(context, weight), model.golden.values("weight"));
}

struct Form {
  Precision precision;
  const char *name, *suffix;
  double tolerance;
  const char* reason;
};

constexpr Form kForms[] = {
    {Precision::fp32, "fp32", "", 1e-4, "of the largest value; single precision on both sides, in other orders"},
    {Precision::fp16, "fp16", "", 1e-2, "root mean square, of the largest value; halves with 11 bits through some twenty layers"},
    {Precision::int8, "int8", "_int8", 1e-2, "root mean square, of the largest value; the same integers but for values beside a tie, and halves where layers are not int8"},
};

}  // namespace

void addGoldenCases(Table& table, const std::string& folder) {
  const Json manifest = parseJson(readFile(folder + "/manifest.json"), folder + "/manifest.json");
  const Json& normalisation = manifest.at("normalisation");
  const auto scale = static_cast<float>(normalisation.at("scale").number), offset = static_cast<float>(normalisation.at("offset").number);
  for (const Form& form : kForms) {
    if (manifest.at("files").object.count(form.suffix[0] == '\0' ? "golden" : "goldenInt8") == 0) continue;
    const auto model = std::make_shared<const Model>(Model{Safetensors(folder + "/weights" + form.suffix + ".safetensors"), Safetensors(folder + "/golden" + form.suffix + ".safetensors"), scale, offset});
    const Precision precision = form.precision;
    table.push_back({"golden", std::string("encoders in ") + form.name, form.tolerance, form.reason,
                     [model, precision](Context& context, Comparison& comparison) { checkEncoder(*model, precision, context, comparison); }, {}});
    table.push_back({"golden", std::string("update operator in ") + form.name, form.tolerance, form.reason,
                     [model, precision](Context& context, Comparison& comparison) { checkUpdate(*model, precision, context, comparison); }, {}});
  }
}

}  // namespace qpvo::gpu
