// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace tickstone::cli {

enum class Compression : std::uint8_t { None, Gzip, Zstd };

/// A file that appears whole or not at all: written beside its name, synced and renamed by `finish`. One that
/// is not finished is removed. `-` is standard output. Errors: IoError, DiskFull.
class OutputFile {
 public:
  static std::unique_ptr<OutputFile> create(const std::string& path, Compression compression);
  virtual ~OutputFile() = default;
  virtual void write(std::string_view bytes) = 0;
  virtual void finish() = 0;
};

/// Where a file is written before it has its name.
std::string unfinished_path(const std::string& path);
/// Syncs what is at `unfinished_path(path)` and gives it its name.
void give_name(const std::string& path);

}  // namespace tickstone::cli
