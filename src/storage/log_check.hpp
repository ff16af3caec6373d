// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "storage/commit_record.hpp"
#include "storage/file_system.hpp"
#include "storage/schema.hpp"

namespace tickstone::storage {

/// Told what is wrong with a log file; what it throws ends the check.
struct LogFindings {
  std::function<void(const std::filesystem::path&, std::uint64_t offset, const std::string& what)> damage;
  /// Nothing acknowledged is concerned: the end of what a crash cut.
  std::function<void(const std::filesystem::path&, std::uint64_t offset, const std::string& what)> note;
  std::function<void(std::uint64_t bytes)> progress;
};

struct LogFacts {
  std::uint64_t file_count = 0, bytes = 0, record_count = 0, commit_count = 0;
  /// Named by commits after the manifest's, with their tables.
  std::vector<std::pair<TableId, LoggedTable::Segment>> segments;
};

/// Reads every byte of the log files from `first_file` on: headers, checksums, what records hold and in which
/// order. Commits up to `after` may lack what was before the first file. Goes on behind damage with the next
/// whole record. Cost: memory of one file.
LogFacts check_log(FileSystem& files, const std::filesystem::path& directory, std::uint64_t first_file,
                   CommitSeq after, const LogFindings& findings);

}  // namespace tickstone::storage
