// SPDX-License-Identifier: MIT
#pragma once

#include <napi.h>

#include <memory>

#include "job.hpp"
#include "qpvo/network/update.hpp"

namespace qpvo::addon {

/// The update operator as a JavaScript object; the surface is described in src/native/addon.ts. Checks every length and index that memory depends on.
class CpuUpdateObject : public Napi::ObjectWrap<CpuUpdateObject> {
 public:
  static Napi::Function define(Napi::Env env);
  /// With the finished operator from create() only.
  explicit CpuUpdateObject(const Napi::CallbackInfo& info);

 private:
  struct Built {
    network::UpdateOptions options;
    std::shared_ptr<network::UpdateOperator> update;
  };

  static Napi::Value create(const Napi::CallbackInfo& info);

  Napi::Value instructionSet(const Napi::CallbackInfo& info);
  Napi::Value correlationForm(const Napi::CallbackInfo& info);
  Napi::Value update(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  Built built_;
  std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
};

}  // namespace qpvo::addon
