// SPDX-License-Identifier: MIT
#include <algorithm>

#include "encoder_features.hpp"

namespace qpvo::cuda::network {

using conv::Form;
using conv::MapInput;

FeatureEncoder::FeatureEncoder(const DeviceEncoderLayers& layers, Precision precision, int width, int height)
    : layers_(layers),
      halfSums_(precision == Precision::fp16),
      image_{width, height},
      half_{layers.stem.reduced(width), layers.stem.reduced(height)},
      grid_{layers.blocks[2].conv1.reduced(half_.width), layers.blocks[2].conv1.reduced(half_.height)} {
  const auto& [a, b, c, d] = layers.blocks;
  halfInner_ = map(std::max(a.conv1.outputChannels, b.conv1.outputChannels), half_);
  halfOuter_ = map(layers.stem.outputChannels, half_);
  inner_ = map(std::max(c.conv1.outputChannels, d.conv1.outputChannels), grid_);
  outer_ = map(c.conv2.outputChannels, grid_);
  shortcut_ = map(c.conv2.outputChannels, grid_);
  kept_[0] = kept(a.conv1, half_);
  kept_[1] = kept(b.conv1, half_);
  kept_[2] = kept(d.conv1, grid_);
  listSteps();
  head_.form = precision == Precision::fp32 ? Form::floats : Form::halves;
}

FeatureEncoder::Map FeatureEncoder::map(int channels, const Size& size) const {
  const std::size_t values = static_cast<std::size_t>(size.width) * size.height * channels;
  const std::size_t tiles = static_cast<std::size_t>(conv::tilesAcross(size.width, conv::kTileWidth)) * conv::tilesAcross(size.height, conv::kLeastTileRows);
  return {DeviceBuffer<unsigned char>(values * (halfSums_ ? 2 : 4)), DeviceBuffer<float2>(tiles * channels), DeviceBuffer<float>(channels),
          DeviceBuffer<float>(channels)};
}

FeatureEncoder::Kept FeatureEncoder::kept(const DeviceConv& consumer, const Size& size) {
  return {DeviceBuffer<unsigned char>(static_cast<std::size_t>(size.width) * size.height * consumer.inputChannels * conv::formBytes(consumer.form)), consumer.form,
          consumer.inputStep};
}

MapInput FeatureEncoder::input(const Map& map, const Size& size, const DeviceConv& consumer) {
  MapInput in = {map.sums.data(), map.scale.data(), map.offset.data(), size.width, size.height, consumer.inputChannels};
  in.inverseStep = consumer.inverseStep();
  return in;
}

void FeatureEncoder::addKept(MapInput& input, const Kept& kept) {
  input.kept = kept.data.data();
  input.keptForm = kept.form;
  input.keptStep = kept.step;
}

void FeatureEncoder::listSteps() {
  const auto& [a, b, c, d] = layers_.blocks;
  const DeviceConv &stem = layers_.stem, &head = layers_.head;
  stem_ = {{nullptr, stem.inputs, image_.width, image_.height}, stem.multiplier(), {halfOuter_.sums.data(), halfOuter_.moments.data()}, half_.width, half_.height};

  MapInput in = input(halfOuter_, half_, a.conv1);
  in.keep = kept_[0].data.data();
  addStep("encoder.features.layer1.0.conv1", in, a.conv1, half_, halfInner_);
  addStep("encoder.features.layer1.0.conv2", input(halfInner_, half_, a.conv2), a.conv2, half_, halfOuter_);

  in = input(halfOuter_, half_, b.conv1);
  addKept(in, kept_[0]);
  in.keep = kept_[1].data.data();
  addStep("encoder.features.layer1.1.conv1", in, b.conv1, half_, halfInner_);
  addStep("encoder.features.layer1.1.conv2", input(halfInner_, half_, b.conv2), b.conv2, half_, halfOuter_);

  in = input(halfOuter_, half_, c.conv1);
  addKept(in, kept_[1]);
  addStep("encoder.features.layer2.0.conv1", in, c.conv1, grid_, inner_, &*c.downsample, &shortcut_);
  addStep("encoder.features.layer2.0.conv2", input(inner_, grid_, c.conv2), c.conv2, grid_, outer_);

  in = input(outer_, grid_, d.conv1);
  in.projected = shortcut_.sums.data();
  in.projectedScale = shortcut_.scale.data();
  in.projectedOffset = shortcut_.offset.data();
  in.keep = kept_[2].data.data();
  addStep("encoder.features.layer2.1.conv1", in, d.conv1, grid_, inner_);
  addStep("encoder.features.layer2.1.conv2", input(inner_, grid_, d.conv2), d.conv2, grid_, outer_);

  in = input(outer_, grid_, head);
  addKept(in, kept_[2]);
  head_ = {in, head.multiplier(), nullptr, Form::floats, head.outputs};
}

void FeatureEncoder::addStep(const char* name, const MapInput& in, const DeviceConv& layer, const Size& size, Map& out, const DeviceConv* beside, Map* besideOut) {
  conv::MapPass pass = {in, layer.multiplier(), {out.sums.data(), out.moments.data()}, layer.stride, layer.pad, size.width, size.height};
  if (beside != nullptr) {
    pass.beside = beside->multiplier();
    pass.besideOut = {besideOut->sums.data(), besideOut->moments.data()};
  }
  const int tileRows = conv::tileRows(layer.outputChannels, pass.beside.outputs, layer.stride);
  EncoderWork work;
  work.bytes = inputBytes(in, layer.form) + size.pixels() * (pass.conv.outputs + pass.beside.outputs) * sumBytes() + layer.weightBytes() +
               (beside == nullptr ? 0 : beside->weightBytes());
  work.products = size.pixels() * (layer.productsOfPixel() + (beside == nullptr ? 0 : beside->productsOfPixel()));
  work.sharedBytes =
      conv::mapSharedBytes(tileRows, pass.conv.taps, pass.beside.taps, layer.stride, conv::columnsOf(pass.conv.outputs, pass.beside.outputs), layer.inputBytes());
  steps_.push_back({name, layer.form, pass, norm(layer, size, tileRows, out), beside == nullptr ? conv::NormPass{} : norm(*beside, size, tileRows, *besideOut), work});
}

conv::NormPass FeatureEncoder::norm(const DeviceConv& layer, const Size& size, int tileRows, Map& map) {
  return {map.moments.data(), layer.scale.data(), map.scale.data(), map.offset.data(), layer.outputChannels, size.width, size.height, tileRows};
}

void FeatureEncoder::encode(const float* image, void* features, cudaStream_t stream) {
  constexpr const char* kNormName = "encoder.features.norm";
  stem_.image.data = image;
  head_.out = features;
  conv::stem("encoder.features.conv1", layers_.stem.form, stem_, stream);
  conv::normalise(kNormName, norm(layers_.stem, half_, conv::kStemTileRows, halfOuter_), stream);
  for (const Step& step : steps_) {
    conv::convolve(step.name, step.form, halfSums_, step.pass, stream);
    conv::normalise(kNormName, step.norm, stream);
    conv::normalise(kNormName, step.besideNorm, stream);
  }
  conv::project("encoder.features.conv2", layers_.head.form, halfSums_, head_, stream);
}

/// What a pass reads of its input and writes of it for the shortcut.
double FeatureEncoder::inputBytes(const MapInput& in, Form form) const {
  const double kept = in.kept == nullptr ? 0 : conv::formBytes(in.keptForm), projected = in.projected == nullptr ? 0 : sumBytes(),
               keep = in.keep == nullptr ? 0 : conv::formBytes(form);
  return static_cast<double>(in.width) * in.height * in.channels * (sumBytes() + kept + projected + keep);
}

EncoderWork FeatureEncoder::work() const {
  const DeviceConv &stem = layers_.stem, &head = layers_.head;
  EncoderWork all;
  all.bytes = image_.pixels() * stem.inputs * sizeof(float) + half_.pixels() * stem.outputChannels * sumBytes() + stem.weightBytes();
  all.bytes += inputBytes(head_.input, head.form) + grid_.pixels() * head.outputs * conv::formBytes(head_.form) + head.weightBytes();
  all.products = half_.pixels() * stem.productsOfPixel() + grid_.pixels() * head.productsOfPixel();
  for (const Step& step : steps_) all.add(step.work);
  return all;
}

}  // namespace qpvo::cuda::network
