// SPDX-License-Identifier: MIT
#pragma once

// All that differs between TensorRT 10.3 and 11.x stands here.

#include <NvInfer.h>

#include <string>

#include "qpvo/error.hpp"

namespace qpvo::tensorrt {

#if NV_TENSORRT_MAJOR < 10 || (NV_TENSORRT_MAJOR == 10 && NV_TENSORRT_MINOR < 3)
#error "qpvo needs TensorRT 10.3 or newer"
#endif

/// Of createNetworkV2: what is computed in which precision stands in the graph. From 11 on that is the only way.
inline nvinfer1::NetworkDefinitionCreationFlags networkFlags() {
#if NV_TENSORRT_MAJOR < 11
  return 1U << static_cast<unsigned>(nvinfer1::NetworkDefinitionCreationFlag::kSTRONGLY_TYPED);
#else
  return 0;
#endif
}

/// Of the library that is loaded: "10.3.0.26".
inline std::string libraryVersion() {
  return std::to_string(getInferLibMajorVersion()) + "." + std::to_string(getInferLibMinorVersion()) + "." + std::to_string(getInferLibPatchVersion()) + "." +
         std::to_string(getInferLibBuildVersion());
}

/// Flags and enumerations change their numbers between versions. @throws Error QPVO_ENGINE
inline void requireSameVersion() {
  if (getInferLibMajorVersion() == NV_TENSORRT_MAJOR && getInferLibMinorVersion() == NV_TENSORRT_MINOR) return;
  throw Error("QPVO_ENGINE", "TensorRT: expected the version that qpvo was built with, " + std::to_string(NV_TENSORRT_MAJOR) + "." + std::to_string(NV_TENSORRT_MINOR) +
                                 ", but received " + libraryVersion() + ". Build qpvo again (npm run build).");
}

}  // namespace qpvo::tensorrt
