// SPDX-License-Identifier: MIT
#pragma once

#include <napi.h>

#include <memory>

#include "job.hpp"
#include "qpvo/network/encoder.hpp"

namespace qpvo::addon {

/// Both encoders as a JavaScript object; the surface is described in src/native/addon.ts. Checks every length and cell that memory depends on.
class CpuEncoderObject : public Napi::ObjectWrap<CpuEncoderObject> {
 public:
  static Napi::Function define(Napi::Env env);
  /// With the finished encoder from create() only.
  explicit CpuEncoderObject(const Napi::CallbackInfo& info);

 private:
  struct Built {
    network::EncoderOptions options;
    std::shared_ptr<network::Encoder> encoder;
  };

  static Napi::Value create(const Napi::CallbackInfo& info);

  Napi::Value encode(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  Built built_;
  std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
};

}  // namespace qpvo::addon
