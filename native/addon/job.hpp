// SPDX-License-Identifier: MIT
#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "qpvo/error.hpp"

namespace qpvo::addon {

/// What a call may hold and release: one call in flight, none after close.
struct Gate {
  bool busy = false;
  bool closed = false;
};

inline Napi::Error codedError(Napi::Env env, const std::string& code, const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  return error;
}

/// The one async worker: runs `work` off the JavaScript thread and resolves with what `convert` makes of its result. `pinned` lives until it is done.
template <typename Result>
class Job : public Napi::AsyncWorker {
 public:
  using Work = std::function<Result()>;
  using Convert = std::function<Napi::Value(Napi::Env, const Result&)>;

  Job(Napi::Env env, std::shared_ptr<Gate> gate, Napi::Object pinned, Work work, Convert convert)
      : Napi::AsyncWorker(env, "qpvo"),
        deferred_(Napi::Promise::Deferred::New(env)),
        gate_(std::move(gate)),
        pinned_(Napi::Persistent(pinned)),
        work_(std::move(work)),
        convert_(std::move(convert)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    try {
      result_ = work_();
    } catch (const Error& error) {
      code_ = error.code();
      SetError(error.what());
    } catch (const std::exception& error) {
      code_ = "QPVO_INTERNAL";
      SetError(error.what());
    }
  }

  void OnOK() override {
    gate_->busy = false;
    deferred_.Resolve(convert_(Env(), result_));
  }

  void OnError(const Napi::Error& error) override {
    gate_->busy = false;
    deferred_.Reject(codedError(Env(), code_, error.Message()).Value());
  }

 private:
  Napi::Promise::Deferred deferred_;
  std::shared_ptr<Gate> gate_;
  Napi::ObjectReference pinned_;
  Work work_;
  Convert convert_;
  Result result_{};
  std::string code_ = "QPVO_INTERNAL";
};

}  // namespace qpvo::addon
