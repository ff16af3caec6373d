// SPDX-License-Identifier: Apache-2.0
#include "server/socket_lock.hpp"

#include <cerrno>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <tickstone/error.hpp>

namespace tickstone::server {

SocketLock::SocketLock(std::filesystem::path socket_file)
    : socket_file_(std::move(socket_file)), lock_file_(socket_file_.string() + ".lock") {
  descriptor_ = ::open(lock_file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor_ < 0) {
    throw Error(ErrorCode::IoError,
                "could not create lock file \"" + lock_file_.string() + "\": " + std::strerror(errno));
  }
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    ::close(descriptor_);
    throw Error(ErrorCode::IoError, "lock file \"" + lock_file_.string() + "\" already exists", {},
                "Is another server using socket file \"" + socket_file_.string() + "\"?");
  }
  const auto pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(descriptor_, 0) != 0 ||
      ::write(descriptor_, pid.data(), pid.size()) != static_cast<ssize_t>(pid.size())) {
    const std::string problem = std::strerror(errno);
    ::close(descriptor_);
    throw Error(ErrorCode::IoError, "could not write lock file \"" + lock_file_.string() + "\": " + problem);
  }
  ::unlink(socket_file_.c_str());  // of a server that crashed
}

SocketLock::~SocketLock() {
  ::unlink(socket_file_.c_str());
  ::unlink(lock_file_.c_str());
  ::close(descriptor_);
}

}  // namespace tickstone::server
