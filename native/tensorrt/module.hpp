// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>

#include "network/parts.hpp"
#include "precision.hpp"
#include "runtime/tally.hpp"
#include "session.hpp"

namespace qpvo::tensorrt {

struct EncoderRequest {
  Plan features, context;
  int channels, width, height;  ///< network image, sides multiples of 16
  int featureDim, hiddenDim;    ///< F, D
  int patches;                  ///< M, as the engines were built for
  cuda::Precision precision;    ///< fp32: features come as float; else as __half
};

struct UpdateRequest {
  Plan update;
  cuda::network::UpdateShape shape;
  cuda::Precision precision;  ///< fp32: hidden state and correlation are float; else __half
};

/// What the shared library offers; its only symbol gives this table.
struct ModuleTable {
  int surface;
  std::string (*version)();
  void (*countIn)(cuda::Tally&);  ///< where the library counts its memory from now on
  cuda::DeviceEncoder* (*openEncoder)(const EncoderRequest&, const cuda::Context&);
  cuda::DeviceUpdate* (*openUpdate)(const UpdateRequest&, const cuda::Context&);
};

/// Raised whenever this file, parts.hpp, tally.hpp or the classes that cross the border change.
inline constexpr int kModuleSurface = 3;
inline constexpr const char* kModuleSymbol = "qpvo_tensorrt_module";

/// The runtime of TensorRT, a shared library of its own, so that nothing else needs TensorRT's. Stays loaded until the process ends, as TensorRT wants it.
class Module {
 public:
  /// Its memory counts with that of the process. @throws Error QPVO_ENGINE when it was not built, TensorRT's library is missing, or it belongs to another version of qpvo
  static Module load(const std::string& path);

  /// Of TensorRT: "10.3.0.26".
  std::string version() const { return table_->version(); }

  /// Both networks on the GPU of the calling thread, run once before they are given out. Waits; allocates all they need.
  /// @throws Error QPVO_ENGINE for a plan that TensorRT does not take or that is for other lengths; QPVO_OUT_OF_MEMORY; QPVO_DEVICE_LOST
  std::unique_ptr<cuda::DeviceEncoder> openEncoder(const EncoderRequest& request, const cuda::Context& context) const {
    return std::unique_ptr<cuda::DeviceEncoder>(table_->openEncoder(request, context));
  }
  std::unique_ptr<cuda::DeviceUpdate> openUpdate(const UpdateRequest& request, const cuda::Context& context) const {
    return std::unique_ptr<cuda::DeviceUpdate>(table_->openUpdate(request, context));
  }

 private:
  explicit Module(const ModuleTable* table) : table_(table) {}

  const ModuleTable* table_;
};

}  // namespace qpvo::tensorrt
