// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "storage/file_system.hpp"
#include "storage/schema.hpp"

namespace tickstone::storage {

struct VerifyFinding {
  enum class Kind : std::uint8_t {
    Damage,
    Note,  // nothing is lost: files left over, the end of a log that a crash cut
  };
  Kind kind = Kind::Damage;
  std::filesystem::path file;
  std::uint64_t offset = 0;
  TableId table = 0;  // 0: of none
  std::string table_name;
  std::string what;
};

struct VerifyReport {
  std::vector<VerifyFinding> findings;
  bool is_backup = false;
  CommitSeq seq = 0;  // of the manifest
  std::uint64_t table_count = 0, chunk_count = 0, segment_count = 0, sealed_rows = 0;
  std::uint64_t log_records = 0, log_commits = 0;
  std::uint64_t file_count = 0, bytes = 0;

  bool has_damage() const;
};

struct VerifyOptions {
  FileSystem* files = nullptr;  // nullptr: the machine's, where the directory is also locked
  /// Bytes done, bytes in all.
  std::function<void(std::uint64_t, std::uint64_t)> progress;
  /// Of each finding, when it is made.
  std::function<void(const VerifyFinding&)> on_finding;
};

/// Checks every byte of a data directory that no process has open, or of a backup: manifest, log, every
/// segment, whether they agree, and whether the store opens. Goes on after the first damage. Changes nothing.
/// Errors: ObjectInUse, UndefinedFile where there is no store, FeatureNotSupported for a newer version.
VerifyReport verify_directory(const std::filesystem::path& directory, const VerifyOptions& options = {});

}  // namespace tickstone::storage
