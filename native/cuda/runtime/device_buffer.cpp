// SPDX-License-Identifier: MIT
#include "runtime/device_buffer.hpp"

#include <array>
#include <exception>
#include <utility>

#include "qpvo/error.hpp"
#include "runtime/memory_text.hpp"

namespace qpvo::cuda {

namespace {

std::size_t Allocated::* at(allocation::Place place) { return place == allocation::Place::device ? &Allocated::device : &Allocated::pinned; }

std::array<unsigned char, kSentinelBytes> sentinel() {
  std::array<unsigned char, kSentinelBytes> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = i % 2 == 0 ? 0xfe : 0xff;
  return bytes;
}

}  // namespace

namespace allocation {

void* take(Place place, std::size_t bytes) {
  const std::size_t whole = bytes + 2 * kSentinelBytes;
  void* start = nullptr;
  const cudaError_t status = place == Place::device ? cudaMalloc(&start, whole) : cudaMallocHost(&start, whole);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    const Allocated held = allocatedBytes();
    throw Error("QPVO_OUT_OF_MEMORY", "Expected " + megabytes(bytes) + " more of " + (place == Place::device ? "GPU" : "pinned host") + " memory, beside the " +
                                          megabytes(held.device) + " (GPU) and " + megabytes(held.pinned) + " (host) already taken, but " + freeMemoryText() +
                                          ". Close other programs on the GPU, or choose a smaller model, image or window.");
  }
  check(status, "allocating memory");
  auto* const data = static_cast<unsigned char*>(start) + kSentinelBytes;
  takePart(data, bytes);
  tally().add(at(place), bytes);
  return data;
}

void takePart(void* data, std::size_t bytes) {
  const auto pattern = sentinel();
  auto* const first = static_cast<unsigned char*>(data);
  check(cudaMemcpy(first - kSentinelBytes, pattern.data(), kSentinelBytes, cudaMemcpyDefault), "allocating memory");
  check(cudaMemset(first, 0, bytes), "allocating memory");
  check(cudaMemcpy(first + bytes, pattern.data(), kSentinelBytes, cudaMemcpyDefault), "allocating memory");
  check(cudaDeviceSynchronize(), "allocating memory");
}

namespace {

/// Of a device that is lost nothing can be said.
bool isDamaged(const void* data, std::size_t bytes) noexcept {
  try {
    return !sentinelsIntact(data, bytes);
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

void giveBackPart(const void* data, std::size_t bytes) noexcept {
  if (!tally().watched || !isDamaged(data, bytes)) return;
  const std::scoped_lock lock(tally().mutex);
  ++tally().damaged;
}

void giveBack(Place place, void* data, std::size_t bytes) noexcept {
  void* const start = static_cast<unsigned char*>(data) - kSentinelBytes;
  giveBackPart(data, bytes);
  if (place == Place::device) {
    cudaFree(start);
  } else {
    cudaFreeHost(start);
  }
  tally().remove(at(place), bytes);
}

bool sentinelsIntact(const void* data, std::size_t bytes) {
  const auto expected = sentinel();
  const auto* const start = static_cast<const unsigned char*>(data);
  std::array<unsigned char, kSentinelBytes> found;
  check(cudaDeviceSynchronize(), "reading sentinels");
  for (const unsigned char* at : {start - kSentinelBytes, start + bytes}) {
    check(cudaMemcpy(found.data(), at, kSentinelBytes, cudaMemcpyDefault), "reading sentinels");
    if (found != expected) return false;
  }
  return true;
}

}  // namespace allocation

Allocated allocatedBytes() {
  const std::scoped_lock lock(tally().mutex);
  return tally().now;
}

Allocated peakBytes() {
  const std::scoped_lock lock(tally().mutex);
  return tally().most;
}

void resetPeak() {
  const std::scoped_lock lock(tally().mutex);
  tally().most = tally().now;
}

std::size_t damagedBuffers() {
  Tally& all = tally();
  const std::scoped_lock lock(all.mutex);
  all.watched = true;
  return std::exchange(all.damaged, 0);
}

}  // namespace qpvo::cuda
