// SPDX-License-Identifier: MIT
#include "arguments.hpp"

#include <cstdio>
#include <cstdlib>

#include "qpvo/error.hpp"

namespace qpvo::gpu {

namespace {

constexpr Windows kDefault{96, 22, 10, 13}, kFast{48, 16, 7, 11};  // the published configurations
constexpr int kLeastSide = 48, kMostSide = 4096, kMostWindow = 64, kMostLifetime = 32, kMostPatches = 256;

[[noreturn]] void refuse(const std::string& expected, const std::string& name, const std::string& received) {
  throw qpvo::Error("QPVO_USAGE", "Expected " + expected + " after " + name + ", but received \"" + received + "\".");
}

bool isSide(int pixels) { return pixels >= kLeastSide && pixels <= kMostSide && pixels % 16 == 0; }

ImageSize sizeOf(const std::string& text) {
  ImageSize size{};
  char rest = 0;
  const bool isRead = std::sscanf(text.c_str(), "%dx%d%c", &size.width, &size.height, &rest) == 2;
  if (!isRead || !isSide(size.width) || !isSide(size.height)) refuse("<width>x<height>, multiples of 16 from 48 to 4096,", "--size", text);
  return size;
}

cuda::Precision precisionOf(const std::string& text) {
  if (text == "fp32") return cuda::Precision::fp32;
  if (text == "fp16") return cuda::Precision::fp16;
  if (text != "int8") refuse("fp32, fp16 or int8", "--precision", text);
  return cuda::Precision::int8;
}

EncoderWidths widthsOf(const std::string& text) {
  if (text == "small") return kSmallEncoder;
  if (text != "base") refuse("base or small", "--network", text);
  return kBaseEncoder;
}

}  // namespace

Arguments::Arguments(int count, char** texts)
    : values_{{"--device", "0"}, {"--only", ""},      {"--runs", "50"},         {"--commit", ""},     {"--json", ""},        {"--golden", ""}, {"--engines", ""}, {"--module", ""},
              {"--full", ""},    {"--small", ""}, {"--network", "base"}, {"--windows", "default"}, {"--size", "752x480"}, {"--precision", "fp16"}, {"--frames", ""}} {
  for (int i = 2; i < count; ++i) {
    const std::string name = texts[i];
    if (values_.count(name) == 0) throw qpvo::Error("QPVO_USAGE", "Expected an option of those below, but received " + name + ".");
    if (name == "--full" || name == "--small") {
      values_[name] = "on";
    } else {
      if (i + 1 == count) throw qpvo::Error("QPVO_USAGE", "Expected a value after " + name + ".");
      values_[name] = texts[++i];
    }
  }
}

int Arguments::number(const std::string& name, int least) const {
  const std::string& given = text(name);
  char* end = nullptr;
  const long value = std::strtol(given.c_str(), &end, 10);
  if (given.empty() || *end != '\0' || value < least || value > 1'000'000) refuse("an integer of at least " + std::to_string(least), name, given);
  return static_cast<int>(value);
}

RunShape Arguments::shape() const {
  const std::string& network = text("--network");
  return {network, widthsOf(network), sizeOf(text("--size")), windows(), precisionOf(text("--precision"))};
}

Windows Arguments::windows() const {
  const std::string& given = text("--windows");
  if (given == "default") return kDefault;
  if (given == "fast") return kFast;
  Windows w{};
  char rest = 0;
  const bool isRead = std::sscanf(given.c_str(), "%d/%d/%d/%d%c", &w.patches, &w.removal, &w.optimization, &w.lifetime, &rest) == 4;
  const bool fits = w.patches >= 1 && w.patches <= kMostPatches && w.removal <= kMostWindow && w.optimization >= 1 && w.optimization <= w.removal && w.lifetime >= 2 &&
                    w.lifetime <= kMostLifetime;
  if (!isRead || !fits) refuse("default, fast, or patches/removal/optimization/lifetime such as 96/22/10/13", "--windows", given);
  return w;
}

}  // namespace qpvo::gpu
