// SPDX-License-Identifier: MIT
#include "golden.hpp"

#include <cuda_fp16.h>

#include <functional>
#include <memory>
#include <span>

#include "correlation_packing.hpp"
#include "json.hpp"
#include "network/parts.hpp"
#include "qpvo/state.hpp"
#include "safetensors.hpp"
#include "tensorrt/module.hpp"

namespace qpvo::gpu {

namespace {

using cuda::Context;
using cuda::DeviceBuffer;
using cuda::Precision;

constexpr int kFrames = 2, kPairs = 4;

struct Lengths {
  int channels, width, height, featureDim, hiddenDim, patches;
};

/// The inputs and results stored beside a model, and the normalisation of its image: two frames, all four pairs.
struct Model {
  Safetensors golden;
  float scale, offset;

  Lengths lengths() const {
    const auto length = [&](const char* name, std::size_t dimension) { return static_cast<int>(golden.shape(name)[dimension]); };
    return {length("image", 1), length("image", 3), length("image", 2), length("features", 1), length("hidden", 2), length("cells", 1)};
  }
};

using MakeEncoder = std::function<std::unique_ptr<cuda::DeviceEncoder>(const Context&, const Lengths&)>;
using MakeUpdate = std::function<std::unique_ptr<cuda::DeviceUpdate>(const Context&, const cuda::network::UpdateShape&)>;

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

void checkEncoder(const Model& model, Precision precision, const MakeEncoder& make, Context& context, Comparison& comparison) {
  const Lengths lengths = model.lengths();
  const std::size_t area = static_cast<std::size_t>(lengths.width / 4) * static_cast<std::size_t>(lengths.height / 4), depth = static_cast<std::size_t>(lengths.featureDim);
  const auto encoder = make(context, lengths);
  Activations features(encoder->featurePrecision(), area * depth);
  DeviceBuffer<float> contextOut(half(model.golden.values("context"), 0).size());
  for (int n = 0; n < kFrames; ++n) {
    std::vector<float> pixels;
    for (const float value : half(model.golden.values("image"), n)) pixels.push_back(model.scale * value + model.offset);
    const auto image = onDevice(context, pixels);
    const auto cells = onDevice(context, converted<std::int32_t>(half(model.golden.values("cells"), n)));
    encoder->encode(image.data(), cells.data(), lengths.patches, features.data(), contextOut.data(), context.stream());
    const auto channelsLast = features.values(context);
    std::vector<float> planes(channelsLast.size());
    for (std::size_t i = 0; i < planes.size(); ++i) planes[i] = channelsLast[i % area * depth + i / area];
    const auto expected = half(model.golden.values("features"), n), expectedContext = half(model.golden.values("context"), n);
    compare(comparison, precision, "features", planes, {expected.begin(), expected.end()});
    compare(comparison, precision, "context", onHost(context, contextOut), {expectedContext.begin(), expectedContext.end()});
  }
}

void checkUpdate(const Model& model, Precision precision, const MakeUpdate& make, Context& context, Comparison& comparison) {
  const Lengths lengths = model.lengths();
  const int patches = lengths.patches, hiddenDim = lengths.hiddenDim;
  const auto update = make(context, {hiddenDim, kCorrelationDim, patches, kFrames, kPairs});
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
  const char *name, *part, *suffix;  ///< part of the manifest, and end of the name, of what it is compared with
  double tolerance;
  const char* reason;
};

constexpr Form kForms[] = {
    {Precision::fp32, "fp32", "golden", "", 1e-4, "of the largest value; single precision on both sides, in other orders"},
    {Precision::fp16, "fp16", "golden", "", 1e-2, "root mean square, of the largest value; halves with 11 bits through some twenty layers"},
    {Precision::int8, "int8", "goldenInt8", "_int8", 1e-2, "root mean square, of the largest value; the same integers but for values beside a tie, and halves where layers are not int8"},
};

/// fp32 and fp16 as above; what is rounded differs from the own kernels in int8.
constexpr Form kEngineForms[] = {
    kForms[0],
    kForms[1],
    {Precision::int8, "int8", "goldenTensorrt", "_tensorrt_int8", 1.5e-2,
     "root mean square, of the largest value; halves outside the integers move values beside a tie: 9.5e-3 for the same graphs in onnxruntime"},
};

/// What a form is compared with; null when the model has none.
std::shared_ptr<const Model> modelOf(const std::string& folder, const Form& form) {
  const Json manifest = parseJson(readFile(folder + "/manifest.json"), folder + "/manifest.json");
  if (manifest.at("files").object.count(form.part) == 0) return nullptr;
  const Json& normalisation = manifest.at("normalisation");
  const auto scale = static_cast<float>(normalisation.at("scale").number), offset = static_cast<float>(normalisation.at("offset").number);
  return std::make_shared<const Model>(Model{Safetensors(folder + "/golden" + form.suffix + ".safetensors"), scale, offset});
}

void addRows(Table& table, const Form& form, const std::string& by, const std::shared_ptr<const Model>& model, const MakeEncoder& encoder, const MakeUpdate& update) {
  table.push_back({"golden", std::string("encoders in ") + form.name + by, form.tolerance, form.reason,
                   [model, precision = form.precision, encoder](Context& context, Comparison& comparison) { checkEncoder(*model, precision, encoder, context, comparison); },
                   {}});
  table.push_back({"golden", std::string("update operator in ") + form.name + by, form.tolerance, form.reason,
                   [model, precision = form.precision, update](Context& context, Comparison& comparison) { checkUpdate(*model, precision, update, context, comparison); },
                   {}});
}

/// A plan that stays in memory as long as who refers to it.
class StoredPlan {
 public:
  explicit StoredPlan(const std::string& path) : bytes_(std::make_shared<const std::string>(readFile(path))) {}
  tensorrt::Plan plan() const { return {bytes_->data(), bytes_->size()}; }

 private:
  std::shared_ptr<const std::string> bytes_;
};

}  // namespace

void addGoldenCases(Table& table, const std::string& folder) {
  for (const Form& form : kForms) {
    const auto model = modelOf(folder, form);
    if (model == nullptr) continue;
    const auto weights = std::make_shared<const Safetensors>(folder + "/weights" + form.suffix + ".safetensors");
    addRows(
        table, form, "", model,
        [weights, precision = form.precision](const Context& context, const Lengths& lengths) {
          return cuda::network::makeEncoder(context, {lengths.width, lengths.height, lengths.patches}, precision, weights->under("patchify."));
        },
        [weights, precision = form.precision](const Context& context, const cuda::network::UpdateShape& shape) {
          return cuda::network::makeUpdate(context, shape, precision, weights->under("update."));
        });
  }
}

void addEngineCases(Table& table, const std::string& folder, const std::string& engines, const std::string& module) {
  for (const Form& form : kEngineForms) {
    const auto model = modelOf(folder, form);
    if (model == nullptr) continue;
    const auto plan = [&](const char* graph) { return StoredPlan(engines + "/" + form.name + "/" + graph + ".plan"); };
    addRows(
        table, form, " by TensorRT", model,
        [module, features = plan("features"), crops = plan("context"), precision = form.precision](const Context& context, const Lengths& l) {
          return tensorrt::Module::load(module).openEncoder({features.plan(), crops.plan(), l.channels, l.width, l.height, l.featureDim, l.hiddenDim, l.patches, precision}, context);
        },
        [module, update = plan("update"), precision = form.precision](const Context& context, const cuda::network::UpdateShape& shape) {
          return tensorrt::Module::load(module).openUpdate({update.plan(), shape, precision}, context);
        });
  }
}

}  // namespace qpvo::gpu
