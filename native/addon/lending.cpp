// SPDX-License-Identifier: MIT
#include "lending.hpp"

#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "arguments.hpp"

namespace qpvo::addon {

namespace {

struct Loan {
  void* data;
  std::size_t bytes;
};

/// The loans of the process: every JavaScript thread sees the same ones.
class Loans {
 public:
  std::int32_t add(Loan loan) {
    const std::lock_guard lock(mutex_);
    loans_.emplace(++last_, loan);
    return last_;
  }
  bool find(std::int32_t id, Loan& loan) {
    const std::lock_guard lock(mutex_);
    const auto found = loans_.find(id);
    if (found == loans_.end()) return false;
    loan = found->second;
    return true;
  }
  void remove(std::int32_t id) {
    const std::lock_guard lock(mutex_);
    loans_.erase(id);
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::int32_t, Loan> loans_;
  std::int32_t last_ = 0;
};

Loans& loans() {
  static Loans all;
  return all;
}

Napi::Value lend(const Napi::CallbackInfo& info) {
  require(info.Env(), info[0].IsTypedArray() && info[0].As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array, "lend: expected a Uint8Array.");
  auto view = info[0].As<Napi::Uint8Array>();
  return Napi::Number::New(info.Env(), loans().add({view.Data(), view.ByteLength()}));
}

Napi::Value borrow(const Napi::CallbackInfo& info) {
  Loan loan{};
  const std::int32_t id = integer(info.Env(), info[0], "loan", 0, INT32_MAX);
  require(info.Env(), loans().find(id, loan), "borrow: no loan " + std::to_string(id) + ".");
  return Napi::ArrayBuffer::New(info.Env(), loan.data, loan.bytes, [](Napi::Env, void*) {});
}

Napi::Value reclaim(const Napi::CallbackInfo& info) {
  loans().remove(integer(info.Env(), info[0], "loan", 0, INT32_MAX));
  return info.Env().Undefined();
}

}  // namespace

void defineLending(Napi::Env env, Napi::Object exports) {
  exports.Set("lend", Napi::Function::New(env, lend, "lend"));
  exports.Set("borrow", Napi::Function::New(env, borrow, "borrow"));
  exports.Set("reclaim", Napi::Function::New(env, reclaim, "reclaim"));
}

}  // namespace qpvo::addon
