// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cases.hpp"
#include "ops.hpp"

namespace qpvo::gpu {

/// Sizes of a made-up run. Frame i is seen in the frames at most `reach` away from it, itself included; in none when it is negative.
struct SceneSize {
  int channels = 1;
  int width = 64, height = 48;  ///< network image
  int featureDim = 64;
  int hiddenDim = 24;
  int patches = 17;
  int frames = 4, reach = 3;
  int supersamples = 1;
};

std::string nameOf(const SceneSize& size);
std::string nameOf(cuda::Precision precision);

/// The same odometry on both devices: a camera that moves through random patches, with random images and features. Everything but the newest frame's maps is equal in
/// both.
class Scene {
 public:
  Scene(cuda::Context& context, const SceneSize& size, const cuda::StateTypes& types, std::uint64_t seed = 7);

  State& cpu() { return *cpu_; }
  cuda::DeviceState& device() { return *device_; }
  cuda::Context& context() { return context_; }
  Random& random() { return random_; }
  const SceneSize& size() const { return size_; }
  int pairs() const { return pairs_; }

  /// Random bytes as the camera's image, rows with a gap of so many bytes between them.
  ImageView image(int gap = 5) { return image(size_.channels, gap); }
  ImageView image(int channels, int gap);

  /// Random features and context of the newest frame, rounded to what the device's features hold.
  void makeFeatures();
  /// All frames inserted on the device; the CPU's maps and patch features are what the device's hold.
  void insertAll();
  /// Poses along an arc, patches all over the grid, depths of 1/3 to 3 units; a pose that has lost its scene and a depth that is not finite when asked for. pace: of the
  /// motion, which takes patches out of sight within some frames at 1.
  void placeFrames(bool withOutliers, double pace = 1);
  /// The pair tables on both sides.
  void makePairs();
  /// What an update operator could have said: small corrections, confidences in 0..1, a few that are not finite.
  void makePredictions();
  /// The state of the geometry from the CPU to the device.
  void uploadGeometry();

  /// Values of a float or half array, or bytes times their scale.
  std::vector<float> values(const cuda::DeviceBuffer<std::byte>& buffer, cuda::Precision precision, const std::vector<float>& scalePerSlot = {}) const;

 private:
  cuda::Context& context_;
  SceneSize size_;
  Random random_;
  int pairs_ = 0;
  std::unique_ptr<State> cpu_;
  std::unique_ptr<cuda::DeviceState> device_;
  std::vector<std::uint8_t> recorded_;
};

/// The first `count` values of an array of the CPU's state.
template <class T>
std::vector<T> firstOf(const AlignedBuffer<T>& buffer, std::size_t count) {
  return {buffer.data(), buffer.data() + count};
}
template <class T>
std::vector<T> allOf(const AlignedBuffer<T>& buffer) {
  return firstOf(buffer, buffer.size());
}

/// What a table of [slots][patchStride] holds of the patches.
template <class T>
std::vector<T> patchesOf(const std::vector<T>& table, int patches, int stride) {
  std::vector<T> out;
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (static_cast<int>(i % stride) < patches) out.push_back(table[i]);
  }
  return out;
}

}  // namespace qpvo::gpu
