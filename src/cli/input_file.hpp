// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace tickstone::cli {

/// A file read as a stream of bytes, unpacked where its first bytes say gzip, zstd or zip. `-` is standard
/// input. Errors: UndefinedFile, IoError, DataCorrupted for a broken or cut archive.
class InputFile {
 public:
  static std::unique_ptr<InputFile> open(const std::string& path);
  virtual ~InputFile() = default;
  /// Replaces `chunk` with the next bytes; false at the end.
  virtual bool read(std::string& chunk) = 0;
  /// Of the file as it lies on disk, for progress; 0: unknown.
  virtual std::uint64_t size_bytes() const = 0;
  virtual std::uint64_t position_bytes() const = 0;
};

}  // namespace tickstone::cli
