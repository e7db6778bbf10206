// SPDX-License-Identifier: MIT
#include "file_content.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "qpvo/error.hpp"

namespace qpvo::tensorrt {

namespace {

[[noreturn]] void failed(const std::string& what, const std::string& path) {
  throw Error("QPVO_ENGINE", what + " " + path + ": " + std::strerror(errno) + ".");
}

std::vector<char> contentOf(int file, const std::string& path) {
  std::vector<char> content;
  char piece[1 << 16];
  for (ssize_t count; (count = read(file, piece, sizeof piece)) != 0;) {
    if (count > 0) {
      content.insert(content.end(), piece, piece + count);
    } else if (errno != EINTR) {
      const int why = errno;
      close(file);
      errno = why;
      failed("cannot read", path);
    }
  }
  close(file);
  return content;
}

/// Whole and on the disk, or false with errno.
bool written(int file, const std::vector<char>& content) {
  for (std::size_t done = 0; done < content.size();) {
    const ssize_t count = write(file, content.data() + done, content.size() - done);
    if (count >= 0) {
      done += static_cast<std::size_t>(count);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return fsync(file) == 0;
}

}  // namespace

std::vector<char> readFile(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) failed("cannot read", path);
  return contentOf(file, path);
}

std::vector<char> readFileIfAny(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 && errno == ENOENT) return {};
  if (file < 0) failed("cannot read", path);
  return contentOf(file, path);
}

void replaceFile(const std::string& path, const std::vector<char>& content) {
  const std::string part = path + "." + std::to_string(getpid()) + ".part";
  const int file = open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) failed("cannot write", part);
  const bool isWhole = written(file, content);
  const int why = errno;
  close(file);
  if (isWhole && std::rename(part.c_str(), path.c_str()) == 0) return;
  if (!isWhole) errno = why;
  const int reason = errno;
  unlink(part.c_str());
  errno = reason;
  failed("cannot write", path);
}

}  // namespace qpvo::tensorrt
