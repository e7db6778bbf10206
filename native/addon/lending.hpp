// SPDX-License-Identifier: MIT
#pragma once

#include <napi.h>

namespace qpvo::addon {

/// Memory shared between JavaScript threads without a copy, for libraries that refuse shared array buffers:
///   lend(view: Uint8Array): number        names the view's memory to the whole process; the lender keeps the view until reclaim
///   borrow(id: number): ArrayBuffer       the same memory in another thread; not to be used after reclaim
///   reclaim(id: number): void
void defineLending(Napi::Env env, Napi::Object exports);

}  // namespace qpvo::addon
