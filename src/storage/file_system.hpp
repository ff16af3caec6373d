// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace tickstone::storage {

/// An open file. Errors of every call: DiskFull (53100), IoError (58030), naming the file.
class File {
 public:
  virtual ~File() = default;
  virtual void write_at(std::uint64_t offset, std::span<const std::byte> bytes) = 0;  // whole or an error
  virtual std::size_t read_at(std::uint64_t offset,
                              std::span<std::byte> into) const = 0;  // short only at the end
  virtual void sync_data() = 0;                                      // fdatasync
  virtual void allocate(
      std::uint64_t size_bytes) = 0;  // so that later writes neither grow the file nor find the disk full
  virtual void truncate(std::uint64_t size_bytes) = 0;
  virtual std::uint64_t size_bytes() const = 0;
  virtual const std::filesystem::path& path() const = 0;
};

/// All of storage's contact with the disk, so that tests can lose unsynced writes, fail calls and fill the
/// disk.
class FileSystem {
 public:
  enum class Mode : std::uint8_t { Read, ReadWrite, Create };  // Create: must not exist
  virtual ~FileSystem() = default;
  virtual std::unique_ptr<File> open(const std::filesystem::path& path, Mode mode) = 0;
  virtual void rename(const std::filesystem::path& from, const std::filesystem::path& to) = 0;
  /// Gives a file a second name. False where the file system cannot: another device, or one without links.
  virtual bool try_link(const std::filesystem::path& from, const std::filesystem::path& to) = 0;
  virtual bool is_same_file(const std::filesystem::path& a, const std::filesystem::path& b) = 0;
  virtual void remove(const std::filesystem::path& path) = 0;
  virtual void make_directory(const std::filesystem::path& path) = 0;
  virtual void sync_directory(const std::filesystem::path& path) = 0;
  virtual std::vector<std::string> list(
      const std::filesystem::path& path) = 0;  // file names; empty where none
  virtual bool exists(const std::filesystem::path& path) = 0;
  virtual std::uint64_t free_bytes(const std::filesystem::path& path) = 0;
};

/// POSIX. Lifetime: the process.
FileSystem& posix_file_system();

}  // namespace tickstone::storage
