// SPDX-License-Identifier: MIT
#pragma once

#include <napi.h>

#include <memory>

#include "job.hpp"
#include "qpvo/ops.hpp"

namespace qpvo::addon {

/// The CPU ops as a JavaScript object; the surface is described in src/native/addon.ts. Checks every index that memory depends on.
class CpuOpsObject : public Napi::ObjectWrap<CpuOpsObject> {
 public:
  static Napi::Function define(Napi::Env env);
  /// (options, undistortion map), or the finished state from create().
  explicit CpuOpsObject(const Napi::CallbackInfo& info);

 private:
  static Napi::Value create(const Napi::CallbackInfo& info);

  Napi::Value buffers(const Napi::CallbackInfo& info);
  Napi::Value prepareImage(const Napi::CallbackInfo& info);
  Napi::Value samplePatches(const Napi::CallbackInfo& info);
  Napi::Value insertFrame(const Napi::CallbackInfo& info);
  Napi::Value correlate(const Napi::CallbackInfo& info);
  Napi::Value bundleAdjust(const Napi::CallbackInfo& info);
  Napi::Value assessHealth(const Napi::CallbackInfo& info);
  Napi::Value flowMagnitude(const Napi::CallbackInfo& info);
  Napi::Value pointCloud(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  /// Throws QPVO_BUSY or QPVO_CLOSED.
  void enter(Napi::Env env) const;
  /// The first argument.
  int pairCount(const Napi::CallbackInfo& info) const;

  template <typename Result>
  Napi::Value start(const Napi::CallbackInfo& info, typename Job<Result>::Work work, typename Job<Result>::Convert convert);
  Napi::Value start(const Napi::CallbackInfo& info, std::function<void()> work);

  std::shared_ptr<State> state_;
  std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
  Napi::ObjectReference buffers_;
};

}  // namespace qpvo::addon
