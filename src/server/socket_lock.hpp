// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace tickstone::server {

/// Holds the lock file beside a Unix socket, so that two servers cannot share its path. The socket of a
/// server that crashed is free to take: its lock went with its process.
class SocketLock {
 public:
  /// Errors: IoError `lock file "..." already exists` where another server holds it.
  explicit SocketLock(std::filesystem::path socket_file);
  ~SocketLock();  // removes the socket and the lock file
  SocketLock(const SocketLock&) = delete;
  SocketLock& operator=(const SocketLock&) = delete;

  const std::filesystem::path& socket_file() const { return socket_file_; }

 private:
  std::filesystem::path socket_file_;
  std::filesystem::path lock_file_;
  int descriptor_;
};

}  // namespace tickstone::server
