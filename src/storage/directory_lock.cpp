// SPDX-License-Identifier: Apache-2.0
#include "storage/directory_lock.hpp"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <tickstone/error.hpp>

namespace tickstone::storage {

DirectoryLock::DirectoryLock(const std::filesystem::path& directory, DirectoryLockMode mode) {
  const auto path = directory / kLockName;
  const bool is_shared = mode == DirectoryLockMode::Shared;
  descriptor_ = ::open(path.c_str(), is_shared ? O_RDONLY | O_CLOEXEC : O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor_ < 0) {
    // A directory that may not be written may still be read.
    if (is_shared) return;
    const int error = errno;
    throw Error(ErrorCode::IoError, fmt::format("could not open lock file \"{}\": {}", path.string(),
                                                std::generic_category().message(error)));
  }
  if (::flock(descriptor_, (is_shared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
    ::close(descriptor_);
    throw Error(ErrorCode::ObjectInUse,
                fmt::format("data directory \"{}\" is in use by another process", directory.string()), {},
                "Stop the other process, or connect to it as a server.");
  }
}

DirectoryLock::~DirectoryLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace tickstone::storage
