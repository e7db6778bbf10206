// SPDX-License-Identifier: MIT
#pragma once

#include <napi.h>

#include <memory>

#include "../cuda/pipeline.hpp"
#include "job.hpp"

namespace qpvo::addon {

/// A pipeline on a GPU as a JavaScript object; the surface is described in src/native/addon.ts. Checks every index that memory depends on. The GPU's memory is given back by
/// close(), after which the buffers have length 0; or when the object and its buffers are no longer used.
class CudaPipelineObject : public Napi::ObjectWrap<CudaPipelineObject> {
 public:
  static Napi::Function define(Napi::Env env);
  /// With the finished pipeline from create() only.
  explicit CudaPipelineObject(const Napi::CallbackInfo& info);

 private:
  /// What the object and its buffers hold together; without a pipeline once closed.
  struct Owner {
    Options options;
    std::unique_ptr<cuda::Pipeline> pipeline;
  };

  static Napi::Value create(const Napi::CallbackInfo& info);
  static Napi::Value memory(const Napi::CallbackInfo& info);

  Napi::Value buffers(const Napi::CallbackInfo& info);
  Napi::Value prepareImage(const Napi::CallbackInfo& info);
  Napi::Value samplePatches(const Napi::CallbackInfo& info);
  Napi::Value setPose(const Napi::CallbackInfo& info);
  Napi::Value setInverseDepths(const Napi::CallbackInfo& info);
  Napi::Value encode(const Napi::CallbackInfo& info);
  Napi::Value insertFrame(const Napi::CallbackInfo& info);
  Napi::Value correlate(const Napi::CallbackInfo& info);
  Napi::Value update(const Napi::CallbackInfo& info);
  Napi::Value swapHidden(const Napi::CallbackInfo& info);
  Napi::Value moveHidden(const Napi::CallbackInfo& info);
  Napi::Value clearHidden(const Napi::CallbackInfo& info);
  Napi::Value bundleAdjust(const Napi::CallbackInfo& info);
  Napi::Value readBack(const Napi::CallbackInfo& info);
  Napi::Value readView(const Napi::CallbackInfo& info);
  Napi::Value pointCloud(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  /// Throws QPVO_BUSY or QPVO_CLOSED.
  void enter(Napi::Env env) const;
  /// Gives the work to the GPU, after enter(). Errors become JavaScript's.
  template <typename Work>
  Napi::Value give(Napi::Env env, Work&& work);
  void ask(Napi::Env env, const Napi::Object& questions);
  /// The argument, which must be the number of pairs of the last correlate().
  void requirePairs(Napi::Env env, const Napi::Value& count) const;

  std::shared_ptr<Owner> owner_;
  cuda::Mirrors mirrors_{};
  std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
  Napi::ObjectReference buffers_, closing_;
  /// Of the last correlate().
  int pairs_ = 0;
};

}  // namespace qpvo::addon
