// SPDX-License-Identifier: MIT
#include "emulation/block.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

#include "emulation/controls.hpp"
#include "fiber.hpp"
#include "sanitizer.hpp"
#include "scheduler.hpp"
#include "shared_memory.hpp"

namespace qpvo::emulation {

namespace {

/// Poison behind the dynamic shared memory, which must stay.
constexpr std::size_t kSharedSentinel = 256;

enum class State { ready, atWarp, atBarrier, done };

struct Copy {
  void* to;
  const void* from;
  bool inside;
};

struct Thread {
  Fiber fiber;
  State state;
  Site site;
  std::vector<Copy> copies;          ///< not yet arrived
  std::vector<std::size_t> groups;   ///< copies up to the end of each committed group
};

struct Warp {
  int arrived = 0;
  const char* what = nullptr;
  Site site;
  void (*compute)(void* const*) = nullptr;
  void* lanes[warpSize] = {};
};

struct Scheduler {
  Stacks stacks;
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  std::vector<unsigned> warpOrder;
  std::vector<unsigned char> shared;
  SharedArrays arrays;
  std::mt19937_64 random;
  const Grid* grid = nullptr;
  const std::function<void()>* body = nullptr;
  Fiber host = nullptr;
  unsigned current = 0;
  int gathered = 0, barrierResult = 0;
  std::string failure;
  Counts counts{};

  Thread& thread() { return threads[current]; }
  unsigned char* sharedStart() {
    const auto address = reinterpret_cast<std::uintptr_t>(shared.data());
    return shared.data() + (16 - address % 16) % 16;
  }
  void toHost() { switchAnnounced(thread().fiber, host, nullptr, 0, thread().state == State::done); }
};

Scheduler& scheduler() {
  static Scheduler instance;
  return instance;
}

struct Running {
  Scheduler& all;
  Running(Scheduler& scheduler, const Grid& grid, const std::function<void()>& body) : all(scheduler) {
    all.grid = &grid;
    all.body = &body;
  }
  ~Running() { all.grid = nullptr; }
};

std::string describe(const Site& site) {
  const std::string path = site.file_name();
  return path.substr(path.find_last_of('/') + 1) + ":" + std::to_string(site.line());
}

std::string placeOf(const Scheduler& all) {
  return "kernel \"" + all.grid->name + "\", block (" + std::to_string(blockIdx.x) + ", " + std::to_string(blockIdx.y) + ", " + std::to_string(blockIdx.z) + "), thread " +
         std::to_string(all.current);
}

bool same(const Site& a, const Site& b) {
  const bool sameFile = a.file_name() == b.file_name() || std::strcmp(a.file_name(), b.file_name()) == 0;
  return a.line() == b.line() && a.column() == b.column() && sameFile;
}

void runThread() {
  Scheduler& all = scheduler();
  arrivedAnnounced();
  (*all.body)();
  all.thread().state = State::done;
  all.toHost();
}

void orderItems(Scheduler& all, std::vector<unsigned>& items, std::size_t count) {
  items.resize(count);
  std::iota(items.begin(), items.end(), 0u);
  if (controls().order == Order::backward) std::reverse(items.begin(), items.end());
  if (controls().order == Order::shuffled) std::shuffle(items.begin(), items.end(), all.random);
}

/// Lane order of one pass: forward, backward, or a rotation and reflection drawn anew.
struct LaneOrder {
  unsigned start = 0, step = 1;
  explicit LaneOrder(Scheduler& all) {
    if (controls().order == Order::backward) start = step = warpSize - 1;
    if (controls().order == Order::shuffled) {
      const auto drawn = all.random();
      start = drawn % warpSize;
      step = 2 * (drawn >> 8) % warpSize + 1;
    }
  }
  unsigned lane(unsigned i) const { return (start + i * step) % warpSize; }
};

void resume(Scheduler& all, unsigned number) {
  all.current = number;
  threadIdx.x = number;
  switchAnnounced(all.host, all.thread().fiber, all.stacks.bottom(number), Stacks::usableBytes(), false);
  if (!all.failure.empty()) throw Failure(std::exchange(all.failure, {}));
}

[[noreturn]] void report(Scheduler& all, unsigned number, const std::string& message) {
  all.current = number;
  throw Failure(placeOf(all) + ": " + message);
}

/// Lanes of one warp until all of them wait for others or are done; true when any ran.
bool runWarp(Scheduler& all, unsigned warp) {
  bool ran = false;
  for (bool again = true; again;) {
    again = false;
    const LaneOrder order(all);
    for (unsigned i = 0; i < warpSize; ++i) {
      const unsigned number = warp * warpSize + order.lane(i);
      if (all.threads[number].state != State::ready) continue;
      resume(all, number);
      again = ran = true;
    }
    // Now and then others go first between two exchanges of a warp.
    if (controls().order == Order::shuffled && all.random() % 4 == 0) break;
  }
  return ran;
}

/// After a round in which nothing ran: every thread waits or is done.
void releaseBarrier(Scheduler& all) {
  const Thread* first = nullptr;
  for (unsigned number = 0; number < all.threads.size(); ++number) {
    const Thread& thread = all.threads[number];
    if (thread.state == State::atWarp) {
      report(all, number, std::string("waits for its warp at ") + all.warps[number / warpSize].what + " (" + describe(thread.site) + "), where only " +
                              std::to_string(all.warps[number / warpSize].arrived) + " of 32 lanes came.");
    }
    if (thread.state == State::atBarrier && first == nullptr) first = &thread;
  }
  for (unsigned number = 0; number < all.threads.size(); ++number) {
    const Thread& thread = all.threads[number];
    if (thread.state == State::done) report(all, number, "has left, while others wait at the barrier in " + describe(first->site) + ".");
    if (!same(thread.site, first->site)) {
      report(all, number, "waits at the barrier in " + describe(thread.site) + ", while others wait at that in " + describe(first->site) + ".");
    }
  }
  for (Thread& thread : all.threads) thread.state = State::ready;
  all.barrierResult = std::exchange(all.gathered, 0);
}

bool allDone(const Scheduler& all) {
  return std::all_of(all.threads.begin(), all.threads.end(), [](const Thread& thread) { return thread.state == State::done; });
}

void runBlock(Scheduler& all) {
  const Grid& grid = *all.grid;
  all.arrays.beginBlock(grid.kernel);
  poison(all.sharedStart(), grid.sharedBytes);
  poison(all.sharedStart() + grid.sharedBytes, kSharedSentinel);
  for (unsigned number = 0; number < grid.threads; ++number) {
    Thread& thread = all.threads[number];
    thread.fiber = all.stacks.begin(number, runThread);
    thread.state = State::ready;
    thread.copies.clear();
    thread.groups.clear();
  }
  for (Warp& warp : all.warps) warp.arrived = 0;
  all.gathered = 0;
  orderItems(all, all.warpOrder, all.warps.size());
  while (true) {
    bool ran = false;
    for (const unsigned warp : all.warpOrder) ran |= runWarp(all, warp);
    if (ran) continue;
    if (allDone(all)) break;
    releaseBarrier(all);
    orderItems(all, all.warpOrder, all.warps.size());
  }
  all.arrays.endBlock(grid.kernel);
  unsigned char expected[kSharedSentinel];
  poison(expected, kSharedSentinel);
  if (std::memcmp(all.sharedStart() + grid.sharedBytes, expected, kSharedSentinel) != 0) {
    report(all, 0, "the block wrote behind its " + std::to_string(grid.sharedBytes) + " bytes of dynamic shared memory.");
  }
}

}  // namespace

void fail(const std::string& message) {
  Scheduler& all = scheduler();
  all.failure = placeOf(all) + ": " + message;
  all.toHost();
  std::terminate();
}

void collective(const char* what, const Site& site, void* mine, void (*compute)(void* const* lanes)) {
  Scheduler& all = scheduler();
  Warp& warp = all.warps[all.current / warpSize];
  if (warp.arrived == 0) {
    warp.what = what;
    warp.site = site;
    warp.compute = compute;
  } else if (warp.compute != compute || !same(warp.site, site)) {
    fail(std::string("came to ") + what + " (" + describe(site) + "), while other lanes of its warp are at " + warp.what + " (" + describe(warp.site) + ").");
  }
  warp.lanes[all.current % warpSize] = mine;
  Thread& thread = all.thread();
  thread.site = site;
  thread.state = State::atWarp;
  if (++warp.arrived == warpSize) {
    compute(warp.lanes);
    warp.arrived = 0;
    const unsigned first = all.current / warpSize * warpSize;
    for (unsigned lane = 0; lane < warpSize; ++lane) all.threads[first + lane].state = State::ready;
  }
  all.toHost();
}

int barrier(const Site& site, int value) {
  Scheduler& all = scheduler();
  all.gathered += value;
  all.thread().site = site;
  all.thread().state = State::atBarrier;
  all.toHost();
  return all.barrierResult;
}

void* dynamicShared() { return scheduler().sharedStart(); }

void copyAsync(void* shared, const void* global, bool inside) {
  const auto misaligned = [](const void* address) { return reinterpret_cast<std::uintptr_t>(address) % 16 != 0; };
  if (misaligned(shared) || misaligned(global)) fail("copies 16 bytes asynchronously between addresses of which one is not a multiple of 16.");
  poison(shared, 16);
  scheduler().thread().copies.push_back({shared, global, inside});
}

void commitCopies() {
  Thread& thread = scheduler().thread();
  thread.groups.push_back(thread.copies.size());
}

void waitCopies(int most) {
  Thread& thread = scheduler().thread();
  if (thread.groups.size() <= static_cast<std::size_t>(most)) return;
  const std::size_t finished = thread.groups.size() - static_cast<std::size_t>(most);
  const std::size_t arrived = thread.groups[finished - 1];
  for (std::size_t i = 0; i < arrived; ++i) {
    const Copy& copy = thread.copies[i];
    if (copy.inside) {
      std::memcpy(copy.to, copy.from, 16);
    } else {
      std::memset(copy.to, 0, 16);
    }
  }
  thread.copies.erase(thread.copies.begin(), thread.copies.begin() + static_cast<std::ptrdiff_t>(arrived));
  thread.groups.erase(thread.groups.begin(), thread.groups.begin() + static_cast<std::ptrdiff_t>(finished));
  for (std::size_t& end : thread.groups) end -= arrived;
}

void runGrid(const Grid& grid, const std::function<void()>& thread) {
  Scheduler& all = scheduler();
  const Running running(all, grid, thread);
  all.random.seed(controls().seed);
  all.threads.resize(grid.threads);
  all.warps.resize(grid.threads / warpSize);
  if (all.shared.size() < grid.sharedBytes + kSharedSentinel + 16) all.shared.resize(grid.sharedBytes + kSharedSentinel + 16);
  gridDim = grid.blocks;
  blockDim = dim3(grid.threads);
  const std::size_t blocks = std::size_t{grid.blocks.x} * grid.blocks.y * grid.blocks.z;
  std::vector<unsigned> order;
  orderItems(all, order, blocks);
  for (const unsigned block : order) {
    blockIdx = {block % grid.blocks.x, block / grid.blocks.x % grid.blocks.y, block / grid.blocks.x / grid.blocks.y};
    runBlock(all);
  }
  ++all.counts.kernels;
  all.counts.threads += blocks * grid.threads;
}

Counts counts() { return scheduler().counts; }

bool isStackGuard(const void* address) { return scheduler().stacks.isGuard(address); }

std::string runningPlace() { return scheduler().grid == nullptr ? "the host" : placeOf(scheduler()); }

}  // namespace qpvo::emulation
