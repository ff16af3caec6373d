// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>

namespace tickstone::storage {

enum class DirectoryLockMode : std::uint8_t { Exclusive, Shared };  // Shared: with other readers

/// Held while a process has a data directory open. Errors: ObjectInUse when another one has it; IoError.
class DirectoryLock {
 public:
  DirectoryLock(const std::filesystem::path& directory, DirectoryLockMode mode);
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;
  ~DirectoryLock();

 private:
  int descriptor_ = -1;
};

inline constexpr const char* kLockName = "LOCK";

}  // namespace tickstone::storage
