// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "storage/file_system.hpp"
#include "storage/manifest.hpp"

namespace tickstone::storage {

struct RepeatedKey {
  std::uint64_t segment = 0;  // numbers
  std::uint64_t row = 0;
  std::uint64_t other_segment = 0;
};

/// The first key that two living rows of a chunk's segments share, if any. The segments must be whole and
/// sorted alike. Errors: DataCorrupted, IoError. Cost: decodes all key columns; memory of a row group's key
/// for each segment.
std::optional<RepeatedKey> find_repeated_key(FileSystem& files, const std::filesystem::path& segments,
                                             const ManifestChunk& chunk);

}  // namespace tickstone::storage
