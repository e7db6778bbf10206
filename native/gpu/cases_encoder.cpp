// SPDX-License-Identifier: MIT
#include <cuda_fp16.h>

#include <algorithm>
#include <memory>

#include "cases.hpp"
#include "encoder_networks.hpp"
#include "network/encoder.hpp"
#include "qpvo/error.hpp"
#include "runtime/graph.hpp"

// Both encoders against those of the CPU.

namespace qpvo::gpu {

namespace {

using cuda::Context;
using cuda::DeviceBuffer;
using cuda::Precision;

/// Some cells of the grid, corners among them.
std::vector<std::int32_t> someCells(const ImageSize& size, int count) {
  const int width = (size.width + 3) / 4, height = (size.height + 3) / 4;
  std::vector<std::int32_t> cells{0, width - 1, width * height - 1, width * (height - 1)};
  Random random(29);
  while (static_cast<int>(cells.size()) < count) cells.push_back(random.integer(0, width * height - 1));
  cells.resize(count);
  return cells;
}

/// An encoder with its input and output arrays.
class EncoderOnDevice {
 public:
  EncoderOnDevice(Context& context, const EncoderWidths& widths, const network::Tensors& tensors, Precision precision, const std::vector<float>& image,
                  const ImageSize& size, const std::vector<std::int32_t>& cells)
      : context_(context),
        encoder_(context, {size.width, size.height, std::max(1, static_cast<int>(cells.size()))}, precision, tensors),
        image_(onDevice(context, image)),
        cells_(onDevice(context, cells)),
        floats_(precision == Precision::fp32 ? features(widths, size) : 0),
        halves_(precision == Precision::fp32 ? 0 : features(widths, size)),
        contextOut_(cells.size() * widths.hiddenDim) {
    context.synchronize();
  }

  void enqueue() {
    void* out = floats_.size() > 0 ? static_cast<void*>(floats_.data()) : halves_.data();
    encoder_.encode(image_.data(), cells_.data(), static_cast<int>(cells_.size()), out, contextOut_.data(), context_.stream());
  }
  void setImage(const std::vector<float>& image) {
    cuda::upload(image_.data(), image.data(), image.size(), context_.stream());
    context_.synchronize();
  }
  Encoded results() const {
    Encoded out{floats_.size() > 0 ? onHost(context_, floats_) : std::vector<float>(), onHost(context_, contextOut_)};
    for (const __half value : onHost(context_, halves_)) out.features.push_back(__half2float(value));
    return out;
  }
  Encoded run() {
    enqueue();
    return results();
  }
  cuda::network::EncoderWork work() const { return encoder_.work(); }

 private:
  static std::size_t features(const EncoderWidths& widths, const ImageSize& size) {
    return static_cast<std::size_t>((size.width + 3) / 4) * ((size.height + 3) / 4) * widths.featureDim;
  }

  Context& context_;
  cuda::network::Encoder encoder_;
  DeviceBuffer<float> image_;
  DeviceBuffer<std::int32_t> cells_;
  DeviceBuffer<float> floats_;
  DeviceBuffer<__half> halves_;
  DeviceBuffer<float> contextOut_;
};

/// As they are stored.
std::vector<float> halved(std::vector<float> values) {
  for (float& value : values) value = __half2float(__float2half_rn(value));
  return values;
}

struct Setting {
  EncoderWidths widths;
  ImageSize size;
  int cells;
};

void checkEncoder(Context& context, Comparison& comparison, const Setting& s, Precision precision, const std::vector<std::string>& floats = {}) {
  const MadeUpEncoder made(s.widths, 3, precision == Precision::int8, floats);
  const auto image = madeUpImage(s.widths.inputChannels, s.size, 5);
  const auto cells = someCells(s.size, s.cells);
  const Encoded expected = expectedEncoding(s.widths, made.tensors(), image, s.size, cells);
  const Encoded actual = EncoderOnDevice(context, s.widths, made.tensors(), precision, image, s.size, cells).run();
  const auto each = [&](const char* what, const std::vector<float>& a, const std::vector<float>& b) {
    comparison.keep(a);
    precision == Precision::fp32 ? comparison.close(what, a, b, largest(b)) : comparison.closeInTheMean(what, a, b, largest(b));
  };
  each("features", actual.features, expected.features);
  each("context", actual.context, expected.context);
}

/// Integer sums are exact, so results differ only where a norm, whose sums of moments are in another order, moves a value across a tie, and a small map spreads that.
/// Most of the images have no such value.
void checkIntegers(Context& context, Comparison& comparison, const EncoderWidths& widths) {
  constexpr float kRounding = 2e-5f;
  constexpr int kImages = 8;
  int equalFeatures = 0, equalContexts = 0;
  for (int n = 0; n < kImages; ++n) {
    const ImageSize size = {32 + 16 * (n % 3), 16 + 16 * (n % 2)};
    const MadeUpEncoder made(widths, 40 + n, true);
    const auto image = madeUpImage(widths.inputChannels, size, n);
    const auto cells = someCells(size, 5);
    const Encoded expected = expectedEncoding(widths, made.tensors(), image, size, cells),
                  actual = EncoderOnDevice(context, widths, made.tensors(), Precision::int8, image, size, cells).run();
    const auto equal = [&](const std::vector<float>& a, const std::vector<float>& b) {
      return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](float x, float y) { return std::abs(x - y) <= kRounding; });
    };
    equalFeatures += equal(actual.features, halved(expected.features));
    equalContexts += equal(actual.context, expected.context);
    comparison.closeInTheMean("features", actual.features, expected.features, largest(expected.features));
    comparison.closeInTheMean("context", actual.context, expected.context, largest(expected.context));
  }
  comparison.holds("the CPU's features for half of the images", 2 * equalFeatures >= kImages);
  comparison.holds("the CPU's context for half of the images", 2 * equalContexts >= kImages);
}

/// Nothing of one image is left for the next, and a recorded call takes what stands in its input.
void checkRepeated(Context& context, Comparison& comparison, Precision precision) {
  const ImageSize size = {48, 32};
  const MadeUpEncoder made(kSmallEncoder, 12, precision == Precision::int8);
  const auto first = madeUpImage(1, size, 11);
  auto other = madeUpImage(1, size, 17);
  for (float& value : other) value *= 3;
  EncoderOnDevice encoder(context, kSmallEncoder, made.tensors(), precision, first, size, someCells(size, 6));
  const Encoded once = encoder.run();
  encoder.setImage(other);
  const Encoded between = encoder.run();
  encoder.setImage(first);
  cuda::Graph graph;
  graph.capture(context.stream(), [&] { encoder.enqueue(); });
  graph.replay(context.stream());
  const Encoded again = encoder.results();
  comparison.same("features of the first image", again.features, once.features);
  comparison.same("context of the first image", again.context, once.context);
  comparison.holds("the second image has other features", between.features != once.features);
}

void checkFlatMap(Context& context, Comparison& comparison) {
  const ImageSize size = {64, 48};
  MadeUpEncoder made(kSmallEncoder, 9);
  for (const char* block : {"layer1.0", "layer1.1", "layer2.0", "layer2.1"}) std::ranges::fill(made.values(std::string("patchify.fnet.") + block + ".conv2.weight"), 0.f);
  std::ranges::fill(made.values("patchify.fnet.conv2.weight"), 0.f);
  const Encoded actual = EncoderOnDevice(context, kSmallEncoder, made.tensors(), Precision::fp32, std::vector<float>(64 * 48), size, {0}).run();
  const auto& bias = made.values("patchify.fnet.conv2.bias");
  std::vector<float> expected(actual.features.size());
  for (std::size_t i = 0; i < expected.size(); ++i) expected[i] = bias[i % bias.size()] / 4;
  comparison.close("features", actual.features, expected);
}

/// Contrast of 1e-3 on a level of 1: the squares of a channel would lose it all if the mean were not taken off first. The border sees zeros instead of the level, so the
/// stem takes none of it.
void checkLargeMean(Context& context, Comparison& comparison) {
  const ImageSize size = {64, 48};
  auto image = madeUpImage(1, size, 2);
  for (float& value : image) value = 1 + 1e-3f * value;
  MadeUpEncoder made(kSmallEncoder, 3);
  auto& stem = made.values("patchify.fnet.conv1.weight");
  for (auto taps = stem.begin(); taps != stem.end(); taps += 49) {
    float sum = 0;
    std::for_each(taps, taps + 49, [&](float value) { sum += value; });
    std::for_each(taps, taps + 49, [&](float& value) { value -= sum / 49; });
  }
  const Encoded expected = expectedEncoding(kSmallEncoder, made.tensors(), image, size, {0});
  const Encoded actual = EncoderOnDevice(context, kSmallEncoder, made.tensors(), Precision::fp32, image, size, {0}).run();
  comparison.close("features", actual.features, expected.features, largest(expected.features));
}

/// The error that a construction ends in; empty if it succeeds.
std::string refusal(Context& context, const network::Tensors& tensors, Precision precision) {
  try {
    cuda::network::Encoder(context, {32, 32, 1}, precision, tensors);
  } catch (const Error& error) {
    return error.code() + ": " + error.what();
  }
  return "";
}

void checkRefusals(Context& context, Comparison& comparison) {
  const MadeUpEncoder integers(kSmallEncoder, 4, true), floats(kSmallEncoder, 4);
  comparison.holds("int8 weights are taken in int8", refusal(context, integers.tensors(), Precision::int8).empty());
  comparison.holds("int8 weights are refused in fp16",
                   refusal(context, integers.tensors(), Precision::fp16).starts_with("QPVO_MODEL: tensor patchify.fnet.layer1.0.conv1.weight"));
  comparison.holds("fp32 weights are taken in int8", refusal(context, floats.tensors(), Precision::int8).empty());
  auto tensors = floats.tensors();
  tensors.erase("patchify.inet.conv2.bias");
  comparison.holds("a missing tensor is named", refusal(context, tensors, Precision::fp32).starts_with("QPVO_MODEL: tensor patchify.inet.conv2.bias"));
}

Work timeEncoder(Context& context, const Setting& s, Precision precision) {
  const MadeUpEncoder made(s.widths, 3, precision == Precision::int8);
  const auto encoder =
      std::make_shared<EncoderOnDevice>(context, s.widths, made.tensors(), precision, madeUpImage(s.widths.inputChannels, s.size, 5), s.size, someCells(s.size, s.cells));
  const auto work = encoder->work();
  const Arithmetic arithmetic = precision == Precision::fp32   ? Arithmetic::fp32
                                : precision == Precision::fp16 ? Arithmetic::halfTensorCores
                                                               : Arithmetic::byteTensorCores;
  return {[encoder] { encoder->enqueue(); }, work.bytes, 2 * work.products, arithmetic};
}

std::string nameOf(const Setting& s) {
  return std::to_string(s.size.width) + " x " + std::to_string(s.size.height) + ", " + std::to_string(s.widths.inputChannels) + " to " + std::to_string(s.widths.width) +
         " channels, " + std::to_string(s.cells) + " cells";
}

struct Form {
  Precision precision;
  const char* name;
  double tolerance;
  const char* reason;
};

constexpr Form kForms[] = {
    {Precision::fp32, "fp32", 5e-6, "of the largest value; fp32 through ten layers in another order, measured 1e-6"},
    {Precision::fp16, "fp16", 2e-3, "root mean square, of the largest value; sums and inputs with 11 bits through ten layers, measured 5e-4"},
    {Precision::int8, "int8", 1e-2, "root mean square, of the largest value; one value beside a tie changes all of a small map, measured 2e-3"},
};

const Rows rows([](Table& table) {
  const std::vector<Setting> all = {
      {kSmallEncoder, {16, 16}, 5}, {kSmallEncoder, {23, 17}, 4}, {kSmallEncoder, {100, 30}, 1}, {kSmallEncoder, {64, 48}, 0},
      {kOddEncoder, {33, 61}, 3},   {kOddEncoder, {16, 16}, 1},   {kPrunedEncoder, {48, 32}, 2}, {kBaseEncoder, {64, 48}, 3},
  };
  for (const Setting& setting : all) {
    for (const Form& form : kForms) {
      const Precision precision = form.precision;
      table.push_back({"encoders",
                       std::string(form.name) + ", " + nameOf(setting),
                       form.tolerance,
                       form.reason,
                       [setting, precision](Context& context, Comparison& comparison) { checkEncoder(context, comparison, setting, precision); },
                       {}});
    }
  }
  for (const EncoderWidths& widths : {kSmallEncoder, kOddEncoder}) {
    table.push_back({"encoders",
                     "int8, integers of the CPU, " + std::to_string(widths.width) + " channels",
                     1e-2,
                     "as int8",
                     [widths](Context& context, Comparison& comparison) { checkIntegers(context, comparison, widths); },
                     {}});
  }
  const std::vector<std::vector<std::string>> mixtures = {{"layer1.0.conv1", "layer2.1.conv1"},
                                                          {"layer1.0.conv2", "layer2.0.conv1", "layer2.0.downsample.0"},
                                                          {"layer1.1.conv1", "layer2.0.conv2", "inet.conv2", "fnet.conv2"}};
  for (const auto& floats : mixtures) {
    table.push_back({"encoders",
                     "int8 and fp16, without " + floats[0],
                     1e-2,
                     "as int8, and layers in fp16 that the CPU has in fp32; measured 3e-3",
                     [floats](Context& context, Comparison& comparison) { checkEncoder(context, comparison, {kOddEncoder, {36, 28}, 4}, Precision::int8, floats); },
                     {}});
  }
  for (const Form& form : kForms) {
    const Precision precision = form.precision;
    table.push_back({"encoders",
                     std::string(form.name) + ", image after image and replayed",
                     0,
                     "the same bits",
                     [precision](Context& context, Comparison& comparison) { checkRepeated(context, comparison, precision); },
                     {}});
  }
  table.push_back({"encoders", "a map of one value", 1e-6, "the bias alone, not NaN", checkFlatMap, {}});
  table.push_back({"encoders", "a large mean", 1e-4, "of the largest value; the structure has 10 bits less than the level, measured 6e-7", checkLargeMean, {}});
  table.push_back({"encoders", "refusals", 0, "exact", checkRefusals, {}});
  for (const Setting& setting :
       {Setting{kSmallEncoder, {752, 480}, 48}, Setting{kSmallEncoder, {368, 240}, 24}, Setting{kBaseEncoder, {752, 480}, 96}, Setting{kBaseEncoder, {752, 480}, 48}}) {
    for (const Form& form : kForms) {
      const Precision precision = form.precision;
      table.push_back({"encoders", std::string(form.name) + ", " + nameOf(setting), form.tolerance, form.reason,
                       [setting, precision](Context& context, Comparison& comparison) { checkEncoder(context, comparison, setting, precision); },
                       [setting, precision](Context& context) { return timeEncoder(context, setting, precision); }, true});
    }
  }
});

}  // namespace

}  // namespace qpvo::gpu
