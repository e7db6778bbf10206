// SPDX-License-Identifier: MIT
#include "safetensors.hpp"

#include <cuda_fp16.h>

#include <cstring>
#include <fstream>
#include <iterator>

#include "json.hpp"
#include "qpvo/error.hpp"
#include "qpvo/state.hpp"

namespace qpvo::gpu {

namespace {

template <class T, class Convert>
std::vector<float> decode(const char* data, std::size_t count, Convert&& convert) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    T raw;
    std::memcpy(&raw, data + i * sizeof(T), sizeof(T));
    values[i] = convert(raw);
  }
  return values;
}

template <class T>
float plain(T value) {
  return static_cast<float>(value);
}

std::size_t bytesOf(const std::string& type) { return type == "F32" || type == "I32" ? 4 : type == "F16" ? 2 : type == "I8" || type == "U8" ? 1 : 0; }

std::vector<float> decode(const std::string& type, const char* data, std::size_t count) {
  if (type == "F32") return decode<float>(data, count, plain<float>);
  if (type == "I32") return decode<std::int32_t>(data, count, plain<std::int32_t>);
  if (type == "U8") return decode<std::uint8_t>(data, count, plain<std::uint8_t>);
  return decode<unsigned short>(data, count, [](unsigned short bits) { return __half2float(__half_raw{bits}); });
}

/// For each element in the order of the ops, [level][py][px][dy][dx], its place in the published order.
std::vector<int> publishedPlaces() {
  constexpr int side = 3;
  std::vector<int> places;
  for (int level = 0; level < kLevels; ++level) {
    for (int pixel = 0; pixel < kPatchPixels; ++pixel) {
      for (int dy = 0; dy < kWindow; ++dy) {
        for (int dx = 0; dx < kWindow; ++dx) places.push_back((((dx * kWindow + dy) * side + pixel / side) * side + pixel % side) * kLevels + level);
      }
    }
  }
  return places;
}

template <class T>
void reorderRows(std::vector<T>& matrix, const std::vector<int>& places) {
  const std::vector<T> from = matrix;
  for (std::size_t i = 0; i < matrix.size(); ++i) matrix[i] = from[i / places.size() * places.size() + static_cast<std::size_t>(places[i % places.size()])];
}

}  // namespace

std::string readFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error("QPVO_NOT_FOUND", "Expected a file " + path + ", but there is none that can be read.");
  return {std::istreambuf_iterator<char>(file), {}};
}

Safetensors::Safetensors(const std::string& path) : path_(path) {
  const std::string file = readFile(path);
  std::uint64_t headerBytes = 0;
  if (file.size() >= sizeof(headerBytes)) std::memcpy(&headerBytes, file.data(), sizeof(headerBytes));
  if (headerBytes < 2 || headerBytes > file.size() - sizeof(headerBytes)) throw Error("QPVO_MODEL", path + ": expected a header inside the file, but it is cut short or of another format.");
  const Json header = parseJson(std::string_view(file).substr(sizeof(headerBytes), headerBytes), path);
  const std::size_t start = sizeof(headerBytes) + headerBytes;
  for (const auto& [name, entry] : header.object) {
    if (name == "__metadata__") continue;
    const std::string& type = entry.at("dtype").text;
    Stored tensor;
    std::size_t count = 1;
    for (const Json& length : entry.at("shape").list) {
      tensor.shape.push_back(static_cast<std::size_t>(length.number));
      count *= tensor.shape.back();
    }
    const auto& offsets = entry.at("data_offsets").list;
    const auto first = offsets.size() == 2 ? static_cast<std::size_t>(offsets[0].number) : 0, end = offsets.size() == 2 ? static_cast<std::size_t>(offsets[1].number) : 0;
    if (bytesOf(type) == 0 || end < first || end - first != count * bytesOf(type) || end > file.size() - start) {
      throw Error("QPVO_MODEL", path + ": expected tensor " + name + " of type F32, F16, I32, I8 or U8 inside the file, but received " + type + " at " + std::to_string(first) + " to " + std::to_string(end) + ".");
    }
    const char* const data = file.data() + start + first;
    if (type == "I8") {
      tensor.bytes.assign(data, data + count);
    } else {
      tensor.values = decode(type, data, count);
    }
    tensors_.emplace(name, std::move(tensor));
  }
  reorderCorrelation();
}

void Safetensors::reorderCorrelation() {
  const auto found = tensors_.find("update.corr.0.weight");
  if (found == tensors_.end() || found->second.shape.size() != 2 || found->second.shape[1] != static_cast<std::size_t>(kCorrelationDim)) return;
  reorderRows(found->second.values, publishedPlaces());
  reorderRows(found->second.bytes, publishedPlaces());
}

const Safetensors::Stored& Safetensors::stored(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) throw Error("QPVO_MODEL", path_ + ": expected a tensor " + name + ", but received none.");
  return found->second;
}

const std::vector<float>& Safetensors::values(const std::string& name) const { return stored(name).values; }

const std::vector<std::size_t>& Safetensors::shape(const std::string& name) const { return stored(name).shape; }

network::Tensors Safetensors::under(const std::string& prefix) const {
  network::Tensors picked;
  for (const auto& [name, tensor] : tensors_) {
    if (!name.starts_with(prefix)) continue;
    picked[name] = {tensor.shape, tensor.bytes.empty() ? tensor.values.data() : nullptr, tensor.bytes.empty() ? nullptr : tensor.bytes.data()};
  }
  return picked;
}

}  // namespace qpvo::gpu
