// SPDX-License-Identifier: MIT
#include "json.hpp"

#include <cstdlib>

#include "qpvo/error.hpp"

namespace qpvo::gpu {

namespace {

class Parser {
 public:
  Parser(std::string_view text, const std::string& path) : text_(text), path_(path) {}

  Json whole() {
    Json value = any(0);
    space();
    if (at_ != text_.size()) refuse("nothing behind the value");
    return value;
  }

 private:
  static constexpr int kDeepest = 32;

  [[noreturn]] void refuse(const std::string& expected) const {
    throw Error("QPVO_MODEL", path_ + ": expected " + expected + " at character " + std::to_string(at_) + " of its JSON, but received " +
                                  (at_ < text_.size() ? std::string("'") + text_[at_] + "'" : "its end") + ".");
  }
  void space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r')) ++at_;
  }
  bool took(char c) {
    space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void need(char c) {
    if (!took(c)) refuse(std::string("'") + c + "'");
  }

  std::string quoted() {
    need('"');
    std::string text;
    for (; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\') {
        ++at_;
        if (at_ >= text_.size() || std::string_view("\"\\/").find(text_[at_]) == std::string_view::npos) refuse("an escaped quote or slash");
      }
      text += text_[at_];
    }
    need('"');
    return text;
  }

  Json any(int depth) {
    if (depth > kDeepest) refuse("less nesting");
    space();
    Json value;
    if (took('{')) {
      value.kind = Json::Kind::object;
      for (bool more = !took('}'); more; more = !took('}')) {
        if (!value.object.empty()) need(',');
        const std::string name = quoted();
        need(':');
        value.object[name] = any(depth + 1);
      }
    } else if (took('[')) {
      value.kind = Json::Kind::list;
      for (bool more = !took(']'); more; more = !took(']')) {
        if (!value.list.empty()) need(',');
        value.list.push_back(any(depth + 1));
      }
    } else if (at_ < text_.size() && text_[at_] == '"') {
      value.kind = Json::Kind::text;
      value.text = quoted();
    } else {
      word(value);
    }
    return value;
  }

  void word(Json& value) {
    const std::size_t start = at_;
    while (at_ < text_.size() && std::string_view(",]} \n\t\r").find(text_[at_]) == std::string_view::npos) ++at_;
    const std::string found(text_.substr(start, at_ - start));
    if (found == "null") return;
    if (found == "true" || found == "false") {
      value.kind = Json::Kind::boolean;
      value.number = found == "true";
      return;
    }
    char* end = nullptr;
    value.kind = Json::Kind::number;
    value.number = std::strtod(found.c_str(), &end);
    if (found.empty() || *end != '\0') {
      at_ = start;
      refuse("a value");
    }
  }

  std::string_view text_;
  const std::string& path_;
  std::size_t at_ = 0;
};

}  // namespace

const Json& Json::at(const std::string& name) const {
  const auto found = object.find(name);
  if (found == object.end()) throw Error("QPVO_MODEL", "Expected a member \"" + name + "\", but received none.");
  return found->second;
}

Json parseJson(std::string_view text, const std::string& path) { return Parser(text, path).whole(); }

}  // namespace qpvo::gpu
