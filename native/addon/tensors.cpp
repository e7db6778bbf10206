// SPDX-License-Identifier: MIT
#include "tensors.hpp"

#include "arguments.hpp"

namespace qpvo::addon {

namespace {

network::Tensor readTensor(Napi::Env env, const std::string& name, const Napi::Value& value) {
  const std::string what = "tensor " + name;
  require(env, value.IsObject(), what + ": expected {shape, data}.");
  const auto object = value.As<Napi::Object>();
  require(env, object.Get("shape").IsArray() && object.Get("data").IsTypedArray(), what + ": expected {shape, data}.");
  const auto shape = object.Get("shape").As<Napi::Array>();
  const auto data = object.Get("data").As<Napi::TypedArray>();
  network::Tensor tensor;
  std::size_t count = 1;
  constexpr int kLongest = 1 << 20, kMostDimensions = 4;
  require(env, shape.Length() <= kMostDimensions, what + ": expected at most " + std::to_string(kMostDimensions) + " dimensions.");
  for (std::uint32_t i = 0; i < shape.Length(); ++i) {
    tensor.shape.push_back(integer(env, shape.Get(i), "length of a dimension", 0, kLongest));
    count *= tensor.shape.back();
    require(env, count <= data.ElementLength(), what + ": expected as many values as its shape has.");
  }
  require(env, count == data.ElementLength(), what + ": expected " + std::to_string(count) + " values, as its shape has, but received " + std::to_string(data.ElementLength()) + ".");
  const bool floats = data.TypedArrayType() == napi_float32_array;
  require(env, floats || data.TypedArrayType() == napi_int8_array, what + ": expected a Float32Array or Int8Array.");
  if (floats) {
    tensor.values = data.As<Napi::Float32Array>().Data();
  } else {
    tensor.bytes = data.As<Napi::Int8Array>().Data();
  }
  return tensor;
}

}  // namespace

network::Tensors readTensors(Napi::Env env, const Napi::Value& value) {
  require(env, value.IsObject(), "tensors: expected an object of {shape, data} by name.");
  const auto object = value.As<Napi::Object>();
  const Napi::Array names = object.GetPropertyNames();
  network::Tensors tensors;
  for (std::uint32_t i = 0; i < names.Length(); ++i) {
    const std::string name = names.Get(i).ToString();
    tensors.emplace(name, readTensor(env, name, object.Get(name)));
  }
  return tensors;
}

}  // namespace qpvo::addon
