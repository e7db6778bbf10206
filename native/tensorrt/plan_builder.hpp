// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace qpvo::tensorrt {

/// TensorRT and the GPU for which it builds.
struct Machine {
  std::string tensorrt;           ///< major.minor.patch.build of the library
  int cuda;                       ///< version of the CUDA runtime, 12060 = 12.6
  std::string device;             ///< name and size of the GPU
  std::string computeCapability;  ///< "8.7"
  int dlaCores;                   ///< of the deep learning accelerator that TensorRT can use
};

struct NamedShape {
  std::string name;
  std::vector<std::int64_t> lengths;
};

struct BuildOrder {
  std::vector<char> onnx;
  std::vector<char> timings;       ///< measurements of an earlier build, may be empty or of another machine
  std::vector<NamedShape> inputs;  ///< every input with its fixed shape
  int dlaCore;                     ///< -1 = GPU
  int level;                       ///< 0 builds fastest, 5 searches longest
  std::size_t workspaceBytes;      ///< most scratch memory of a layer
};

struct Built {
  std::vector<char> plan;
  std::vector<char> timings;  ///< for the next build; may be empty
};

/// Hears how a build goes on; calls may come from any thread, one at a time.
struct BuildListener {
  virtual ~BuildListener() = default;
  /// A phase begins, within another or not (parent = ""), in so many steps.
  virtual void phase(const std::string& name, const std::string& parent, int steps) = 0;
  /// A step from 0 is done. @return false to end the build
  virtual bool step(const std::string& name, int step) = 0;
  virtual void finish(const std::string& name) = 0;
  virtual void warning(const std::string& text) = 0;
};

/// What builds plans: TensorRT, or a double in tests.
struct PlanBuilder {
  virtual ~PlanBuilder() = default;
  virtual Machine machine() = 0;
  /// @throws Error QPVO_ENGINE with TensorRT's own words when it refuses the graph, finds no form for a layer, or the listener ended it; QPVO_OUT_OF_MEMORY with what the
  /// GPU has free
  virtual Built build(const BuildOrder& order, BuildListener& listener) = 0;
};

/// For one GPU. @throws Error QPVO_ENGINE when the library is of another version than its headers at build time; QPVO_NO_DEVICE
std::unique_ptr<PlanBuilder> makePlanBuilder(int device);

}  // namespace qpvo::tensorrt
