// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "network/parts.hpp"

namespace qpvo::tensorrt {

enum class Element { fp32, fp16, int32 };

constexpr std::size_t bytesOf(Element element) { return element == Element::fp16 ? 2 : 4; }

/// An input or output of an engine, dense, row-major.
struct EngineTensor {
  std::string name;
  bool isInput;
  Element element;
  std::vector<std::int64_t> shape;

  std::size_t count() const { return static_cast<std::size_t>(std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>())); }
  std::size_t bytes() const { return count() * bytesOf(element); }
};

/// An engine that is loaded and can run: TensorRT's, or a double in tests. All shapes are fixed.
class Session {
 public:
  virtual ~Session() = default;

  virtual const std::vector<EngineTensor>& tensors() const = 0;

  /// Memory between layers that it needs while it runs, bytes. What runs one after the other can share it.
  virtual std::size_t scratchBytes() const = 0;
  /// Before the first run: device memory of at least scratchBytes() on 256 bytes, which outlives the session.
  virtual void useScratch(void* memory, std::size_t bytes) = 0;

  /// Where a tensor lies from now on: device memory on 256 bytes. Host work only.
  virtual void bind(const char* name, void* data) = 0;
  /// Enqueues one run; all tensors are bound. @throws Error QPVO_OUT_OF_MEMORY, QPVO_DEVICE_LOST; what the engine was to write is then undefined
  virtual void run(cudaStream_t stream) = 0;
};

/// What to do about an engine that does not serve: a command and what to put into it, for the end of a message.
inline constexpr const char* kBuildAgain =
    "Build it again: qpvo engine build --force --size 752x480 --profile orin_int8_tensorrt (with the size of the camera's image, and --profile, --model and --set of this run).";

/// @throws Error QPVO_ENGINE, with what to do, unless the session has exactly these tensors
void requireTensors(const Session& session, const std::string& engine, const std::vector<EngineTensor>& expected);

/// The tensor of this name. @throws Error QPVO_ENGINE
const EngineTensor& tensorOf(const Session& session, const std::string& engine, const std::string& name);

/// A serialized engine, borrowed during a call.
struct Plan {
  const void* data = nullptr;
  std::size_t size = 0;
  int dlaCore = -1;  ///< core of the deep learning accelerator that it was built for; -1 = GPU
};

/// Deserializes a plan on the calling thread's GPU. @throws Error QPVO_ENGINE when TensorRT is of another version than at build time, or does not take the plan;
/// QPVO_OUT_OF_MEMORY with the size of the plan and what the GPU has free
std::unique_ptr<Session> openSession(const Plan& plan, const std::string& engine);

/// Version of the library that runs sessions: "10.3.0.26".
std::string sessionVersion();

}  // namespace qpvo::tensorrt
