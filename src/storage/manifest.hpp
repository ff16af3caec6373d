// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "storage/commit_record.hpp"
#include "storage/file_system.hpp"
#include "storage/numeric_layout.hpp"
#include "storage/schema.hpp"

namespace tickstone::storage {

struct ManifestSegment {
  std::uint64_t number = 0;
  CommitSeq newest = 0;
  std::uint8_t level = 0;  // of `SealedSegment`
  std::uint64_t row_count = 0;
  std::uint64_t size_bytes = 0;
  std::vector<std::uint64_t> ended_rows;  // superseded or erased, ascending
};

/// A chunk of a system table has its table's number beside this one, others count from 1.
inline constexpr std::uint32_t kSystemChunkNumbers = 0x8000'0000;

struct ManifestChunk {
  std::uint32_t number = 0;
  std::uint32_t label = 0;
  TimeRange range;
  std::int64_t created_us = kUnknownTime;
  std::vector<ManifestSegment> segments;
};

struct ManifestTable {
  TableSchema schema;
  TableLayout layout;
  std::vector<std::pair<ColumnId, Value>> defaults;
  std::int64_t next_row_id = 1;
  std::vector<ManifestChunk> chunks;
};

/// What was live at one commit, and where the log goes on from there.
struct Manifest {
  CommitSeq seq = 0;
  std::uint64_t first_log_file = 1;
  std::uint64_t next_segment = 1;
  std::uint32_t next_chunk = 1;
  std::vector<SequenceRecord> sequences;
  std::vector<ManifestTable> tables;
};

/// Replaces the manifest of the directory: a crash leaves the old one or the new one. Bytes:
/// docs/format/manifest.md. Errors: DiskFull, IoError. `before_rename` is called when the new one is on disk
/// under another name: from then on either may be found.
void write_manifest(FileSystem& files, const std::filesystem::path& directory, const Manifest& manifest,
                    const std::function<void()>& before_rename);
/// Nothing where there is no manifest. Errors: DataCorrupted naming the file; FeatureNotSupported for a newer
/// version.
std::optional<Manifest> read_manifest(FileSystem& files, const std::filesystem::path& directory);

inline constexpr const char* kManifestName = "MANIFEST";
inline constexpr const char* kNewManifestName = "MANIFEST.new";

}  // namespace tickstone::storage
