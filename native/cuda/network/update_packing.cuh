// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "qpvo/error.hpp"
#include "rows_weights.cuh"
#include "runtime/copy.hpp"
#include "runtime/device_buffer.hpp"
#include "update_tensors.hpp"

namespace qpvo::cuda::network {

/// The layers of an update operator in the form that the kernels of variant V read, made on the host and brought to the device at once.
template <class V>
class UpdatePacking {
 public:
  /// Where a layer begins; becomes a Layer once the device memory is there.
  struct Place {
    std::size_t weights, bias, scale;
    Layer layer;
  };

  /// Columns in the order of the outputs.
  Place add(const LinearTensors& linear) {
    return add({&linear}, [](int pass, int column) { return Origin{0, pass * V::kColumns + column}; }, (linear.outputs + V::kColumns - 1) / V::kColumns);
  }

  /// Two layers with the same input as one product: of the columns of a warp, the first half are outputs of `values`, the second the same outputs of `logits`.
  Place addBeside(const LinearTensors& values, const LinearTensors& logits) {
    constexpr int kHalf = V::kColumnTiles / 2, kOutputs = V::kColumns / 2;
    const auto origin = [](int pass, int column) {
      const int matrix = column / kMatrixColumns, warp = matrix / V::kColumnTiles, j = matrix % V::kColumnTiles;
      return Origin{j / kHalf, pass * kOutputs + (warp * kHalf + j % kHalf) * kMatrixColumns + column % kMatrixColumns};
    };
    return add({&values, &logits}, origin, (values.outputs + kOutputs - 1) / kOutputs);
  }

  /// Rows of kColumns values, zero beyond `width`.
  std::size_t addRow(const float* values, int width) {
    const std::size_t at = floats_.size();
    floats_.resize(at + V::kColumns);
    std::copy_n(values, width, floats_.data() + at);
    return at;
  }

  void upload(cudaStream_t stream) {
    deviceWeights_ = DeviceBuffer<unsigned char>(weights_.size());
    deviceFloats_ = DeviceBuffer<float>(floats_.size());
    cuda::upload(deviceWeights_.data(), weights_.data(), weights_.size(), stream);
    cuda::upload(deviceFloats_.data(), floats_.data(), floats_.size(), stream);
    check(cudaStreamSynchronize(stream), "bringing the weights of the update operator to the GPU");
    weights_ = {};
    floats_ = {};
  }

  Layer layer(const Place& place) const {
    Layer layer = place.layer;
    layer.weights = deviceWeights_.data() + place.weights;
    layer.bias = floatsAt(place.bias);
    layer.scale = floatsAt(place.scale);
    return layer;
  }
  const float* floatsAt(std::size_t at) const { return deviceFloats_.data() + at; }
  std::size_t weightBytes() const { return deviceWeights_.size(); }

 private:
  /// Of a packed column: which layer, and which output of it.
  struct Origin {
    int layer, output;
  };

  template <class Order>
  Place add(std::vector<const LinearTensors*> layers, const Order& originOf, int passes) {
    const LinearTensors& first = *layers[0];
    const int inPanel = first.int8() ? kPanelBytes : V::kNativePerPanel;
    Place place{weights_.size(), floats_.size(), floats_.size(), {}};
    place.layer.panels = (first.inputs + inPanel - 1) / inPanel;
    place.layer.passes = passes;
    place.layer.input = !first.int8() ? Input::native : first.range == Range::fromZero ? Input::unsignedBytes : Input::signedBytes;
    place.layer.inverseScale = first.int8() ? 1 / first.inputScale : 0;
    if (first.int8()) place.scale += static_cast<std::size_t>(passes) * V::kColumns;
    floats_.resize(place.scale + static_cast<std::size_t>(passes) * V::kColumns);
    const std::size_t passBytes = static_cast<std::size_t>(place.layer.panels) * V::kWeightPanelBytes;
    weights_.resize(place.weights + passes * passBytes);
    for (int pass = 0; pass < passes; ++pass) {
      for (int column = 0; column < V::kColumns; ++column) {
        const Origin origin = originOf(pass, column);
        const LinearTensors& layer = *layers[origin.layer];
        if (origin.output >= layer.outputs) continue;
        const std::size_t at = static_cast<std::size_t>(pass) * V::kColumns + column;
        floats_[place.bias + at] = layer.bias[origin.output];
        if (layer.int8()) floats_[place.scale + at] = layer.inputScale * layer.weightScale[origin.output];
        packRow(weights_.data() + place.weights + pass * passBytes, column, layer, origin.output);
      }
    }
    return place;
  }

  void packRow(unsigned char* panels, int column, const LinearTensors& layer, int output) {
    using Native = typename V::Native;
    const std::size_t row = static_cast<std::size_t>(output) * layer.inputs;
    for (int k = 0; k < layer.inputs; ++k) {
      if (layer.int8()) {
        panels[panelOffset(column, V::kColumns, k)] = static_cast<unsigned char>(layer.bytes[row + k]);
        continue;
      }
      const Native value = native(layer.weight[row + k], layer.name);
      std::memcpy(panels + panelOffset(column, V::kColumns, k * static_cast<int>(sizeof(Native))), &value, sizeof(Native));
    }
  }

  static typename V::Native native(float value, [[maybe_unused]] const std::string& name) {
    if constexpr (V::kPrecision == Precision::fp32) {
      return value;
    } else {
      if (std::fabs(value) > 65504) throw Error("QPVO_MODEL", "tensor " + name + ".weight: expected values within fp16, but received " + std::to_string(value) + ".");
      return __float2half_rn(value);
    }
  }

  std::vector<unsigned char> weights_;
  std::vector<float> floats_;
  DeviceBuffer<unsigned char> deviceWeights_;
  DeviceBuffer<float> deviceFloats_;
};

}  // namespace qpvo::cuda::network
