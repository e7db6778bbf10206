// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <string>

#include "time_frames.hpp"

namespace qpvo::gpu {

/// The options of the command line by name; a flag is "on", what was not given has its default. All throw QPVO_USAGE for what they do not take.
class Arguments {
 public:
  /// Those behind the verb.
  Arguments(int count, char** texts);

  const std::string& text(const std::string& name) const { return values_.at(name); }
  bool isOn(const std::string& name) const { return text(name) == "on"; }
  int number(const std::string& name, int least) const;
  /// What frame and soak run.
  RunShape shape() const;

 private:
  Windows windows() const;
  std::map<std::string, std::string> values_;
};

}  // namespace qpvo::gpu
