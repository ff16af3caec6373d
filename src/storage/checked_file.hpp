// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "storage/file_system.hpp"
#include "storage/format_version.hpp"

namespace tickstone::storage {

/// A small file that is written and read as a whole: a header of 32 bytes (magic, u32 version, u32 zero, u64
/// bytes of the body, u64 checksum of the body seeded with that of the 24 bytes before) and a body.
struct CheckedFormat {
  std::array<char, 8> magic{};
  FormatVersions versions;
  std::string_view name;  // for messages: `manifest`
};

inline constexpr std::size_t kCheckedHeaderBytes = 32;

/// Creates the file and syncs it. Errors: DiskFull, IoError.
void write_checked_file(FileSystem& files, const std::filesystem::path& path, const CheckedFormat& format,
                        std::span<const std::byte> body);

struct CheckedFile {
  std::uint32_t version = 0;
  std::vector<std::byte> bytes;
  std::span<const std::byte> body() const { return std::span(bytes).subspan(kCheckedHeaderBytes); }
};
/// Errors: DataCorrupted naming file and offset; FeatureNotSupported for a version that `format` does not
/// read, where the file is otherwise whole.
CheckedFile read_checked_file(FileSystem& files, const std::filesystem::path& path,
                              const CheckedFormat& format);

}  // namespace tickstone::storage
