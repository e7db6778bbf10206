// SPDX-License-Identifier: MIT
#include "ops_scene.hpp"

#include <cuda_fp16.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace qpvo::gpu {

using cuda::Precision;

std::string nameOf(Precision precision) { return precision == Precision::fp32 ? "fp32" : precision == Precision::fp16 ? "fp16" : "int8"; }

std::string nameOf(const SceneSize& size) {
  return std::to_string(size.width) + "x" + std::to_string(size.height) + ", " + std::to_string(size.patches) + " patches of " + std::to_string(size.featureDim) +
         " channels, " + std::to_string(size.frames) + " frames" + (size.reach < 0 ? ", no pairs" : "");
}

namespace {

Options optionsOf(const SceneSize& size) {
  Options o{};
  o.channels = size.channels;
  o.width = size.width;
  o.height = size.height;
  o.recordedWidth = size.width + 9;
  o.recordedHeight = size.height + 3;
  o.supersamples = size.supersamples;
  o.featureDim = size.featureDim;
  o.hiddenDim = size.hiddenDim;
  o.patches = size.patches;
  o.ringSlots = size.frames;
  o.maxPairs = std::max(1, size.frames * (2 * size.reach + 1));
  o.threads = 2;
  o.scale = 2.f / 255;
  o.offset = -0.5f;
  o.fx = o.fy = 0.8f * static_cast<float>(size.width) / 4;
  o.cx = static_cast<float>(size.width) / 8 + 0.3f;
  o.cy = static_cast<float>(size.height) / 8 - 0.2f;
  return o;
}

/// A map that turns a little and leaves the recorded image at some corners.
std::vector<float> mapOf(const Options& o) {
  std::vector<float> map;
  for (int y = 0; y < o.height; ++y) {
    for (int x = 0; x < o.width; ++x) {
      for (int s = 0; s < o.supersamples; ++s) {
        const float u = static_cast<float>(x) + static_cast<float>(s) / static_cast<float>(o.supersamples), v = static_cast<float>(y);
        map.push_back(1.02f * u - 0.05f * v + 3.f);
        map.push_back(0.04f * u + 1.01f * v - 1.4f);
      }
    }
  }
  return map;
}

template <class T>
void put(cuda::DeviceBuffer<T>& buffer, const T* values, std::size_t count, const cuda::Context& context) {
  cuda::upload(buffer.data(), values, count, context.stream());
  context.synchronize();
}

}  // namespace

Scene::Scene(cuda::Context& context, const SceneSize& size, const cuda::StateTypes& types, std::uint64_t seed) : context_(context), size_(size), random_(seed) {
  const Options o = optionsOf(size);
  const std::vector<float> map = mapOf(o);
  cpu_ = std::make_unique<State>(o, map.data());
  device_ = std::make_unique<cuda::DeviceState>(context, o, types, map.data());
}

ImageView Scene::image(int channels, int gap) {
  const Options& o = cpu_->options;
  const std::size_t step = static_cast<std::size_t>(o.recordedWidth) * channels + gap;
  recorded_.resize(step * o.recordedHeight);
  for (auto& byte : recorded_) byte = static_cast<std::uint8_t>(random_.integer(0, 255));
  return {recorded_.data(), o.recordedWidth, o.recordedHeight, channels, step};
}

void Scene::makeFeatures() {
  State& s = *cpu_;
  const std::size_t cells = static_cast<std::size_t>(s.gridWidth) * s.gridHeight, C = s.options.featureDim;
  std::vector<float> values = random_.uniforms(cells * C, -0.4f, 0.4f);
  const bool halves = device_->types.features != Precision::fp32;
  std::vector<__half> rounded(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    rounded[i] = __float2half_rn(values[i]);
    if (halves) values[i] = __half2float(rounded[i]);
    s.features[i % C * cells + i / C] = values[i];
  }
  const auto* bytes = halves ? reinterpret_cast<const std::byte*>(rounded.data()) : reinterpret_cast<const std::byte*>(values.data());
  put(device_->features, bytes, device_->features.size(), context_);
  const std::vector<float> context = random_.uniforms(s.context.size(), -1, 1);
  std::copy(context.begin(), context.end(), s.context.data());
  put(device_->context, context.data(), context.size(), context_);
}

std::vector<float> Scene::values(const cuda::DeviceBuffer<std::byte>& buffer, Precision precision, const std::vector<float>& scalePerSlot) const {
  const std::vector<std::byte> bytes = onHost(context_, buffer);
  const std::size_t width = precision == Precision::fp32 ? 4 : precision == Precision::fp16 ? 2 : 1, count = bytes.size() / width;
  std::vector<float> out(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (width == 4) std::memcpy(&out[i], &bytes[4 * i], 4);
    if (width == 2) {
      __half half;
      std::memcpy(&half, &bytes[2 * i], 2);
      out[i] = __half2float(half);
    }
    if (width == 1) out[i] = static_cast<float>(static_cast<std::int8_t>(bytes[i])) * scalePerSlot[i * scalePerSlot.size() / count];
  }
  return out;
}

void Scene::insertAll() {
  State& s = *cpu_;
  for (int slot = 0; slot < size_.frames; ++slot) {
    makeFeatures();
    for (int k = 0; k < size_.patches; ++k) s.cells[k] = random_.integer(1, s.gridHeight - 2) * s.gridWidth + random_.integer(1, s.gridWidth - 2);
    put(device_->cells, s.cells.data(), s.cells.size(), context_);
    cuda::insertFrame(*device_, slot, context_.stream());
    qpvo::insertFrame(s, slot);
    context_.synchronize();
    device_->staging.release();
  }
  const std::vector<float> scale = onHost(context_, device_->mapScale);
  std::vector<float> fine, coarse;
  for (std::size_t i = 0; i < scale.size(); i += 2) {
    fine.push_back(scale[i]);
    coarse.push_back(scale[i + 1]);
  }
  const Precision maps = device_->types.maps;
  const auto copy = [](const std::vector<float>& from, AlignedBuffer<float>& to) { std::copy(from.begin(), from.end(), to.data()); };
  copy(values(device_->fineMaps, maps, fine), s.fineMaps);
  copy(values(device_->coarseMaps, maps, coarse), s.coarseMaps);
  copy(values(device_->patchFeatures, maps, fine), s.patchFeatures);
}

void Scene::placeFrames(bool withOutliers, double pace) {
  State& s = *cpu_;
  for (int slot = 0; slot < size_.frames; ++slot) {
    const double t = pace * slot, step[6] = {-0.12 * t, 0.03 * t, -0.08 * t, 0.02 * t, -0.03 * t, 0.015 * t};
    Rigid<double> pose = exponential(step);
    if (withOutliers && slot == size_.frames - 1) pose.t[2] += 1.2;                        // close up: the pixels of a patch look far apart
    if (withOutliers && slot == size_.frames - 2 && slot > 0) pose.t[0] += 500;            // out of sight
    s.setPose(slot, pose);
    for (int k = 0; k < size_.patches; ++k) {
      const std::size_t i = static_cast<std::size_t>(slot) * s.patchStride + k;
      s.patchX[i] = static_cast<float>(random_.integer(1, s.gridWidth - 2));
      s.patchY[i] = static_cast<float>(random_.integer(1, s.gridHeight - 2));
      s.inverseDepth[i] = random_.uniform(1.f / 3, 3);
    }
  }
  if (withOutliers) s.inverseDepth[0] = std::numeric_limits<float>::quiet_NaN();
}

void Scene::makePairs() {
  State& s = *cpu_;
  pairs_ = 0;
  for (int i = 0; i < size_.frames; ++i) {
    for (int j = std::min(size_.frames - 1, i + size_.reach); j >= std::max(0, i - size_.reach); --j) {
      s.pairSource[pairs_] = i;
      s.pairTarget[pairs_++] = j;
    }
  }
  for (int k = 0; k + 3 < pairs_; k += 3) {  // in no particular order, as after retirement
    std::swap(s.pairSource[k], s.pairSource[k + 3]);
    std::swap(s.pairTarget[k], s.pairTarget[k + 3]);
  }
  cuda::setPairs(*device_, s.pairSource.data(), s.pairTarget.data(), pairs_, context_.stream());
}

void Scene::makePredictions() {
  State& s = *cpu_;
  qpvo::correlate(s, pairs_);
  const std::size_t count = static_cast<std::size_t>(pairs_) * size_.patches * 2;
  for (std::size_t i = 0; i < count; ++i) {
    s.delta[i] = random_.uniform(-1.5f, 1.5f);
    s.weight[i] = random_.uniform(0, 1);
  }
  if (count > 40) {
    s.delta[6] = std::numeric_limits<float>::quiet_NaN();
    s.weight[21] = std::numeric_limits<float>::infinity();
    s.delta[34] = 1e6f;
  }
}

void Scene::uploadGeometry() {
  State& s = *cpu_;
  cuda::DeviceState& d = *device_;
  put(d.poses, s.poses.data(), s.poses.size(), context_);
  put(d.patchX, s.patchX.data(), s.patchX.size(), context_);
  put(d.patchY, s.patchY.data(), s.patchY.size(), context_);
  put(d.inverseDepth, s.inverseDepth.data(), s.inverseDepth.size(), context_);
  put(d.centre, s.centre.data(), s.centre.size(), context_);
  put(d.delta, s.delta.data(), s.delta.size(), context_);
  put(d.weight, s.weight.data(), s.weight.size(), context_);
}

}  // namespace qpvo::gpu
