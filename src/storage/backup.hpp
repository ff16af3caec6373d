// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "storage/file_system.hpp"
#include "storage/schema.hpp"

namespace tickstone::storage {

struct PinnedStore;

struct BackupOptions {
  /// An earlier backup: segments that it has already are linked from it instead of copied. A backup that
  /// stands at the target is one too.
  std::filesystem::path base;
  /// What is the same file in the store and in the base is kept without reading it again.
  bool trusts_base = false;
  /// Files of the data directory that are none of the store's, by their names in it (conf.d/more.conf): what
  /// a server is configured with. Those that are not there, or whose names are the store's own, are left out.
  std::vector<std::string> companions;
  /// Bytes done, bytes in all. May throw: the backup is then given up.
  std::function<void(std::uint64_t, std::uint64_t)> progress;
};

struct BackupReport {
  CommitSeq seq = 0;
  std::uint64_t file_count = 0, bytes = 0;
  std::uint64_t copied_files = 0, copied_bytes = 0;  // the others are links
  std::uint64_t kept_files = 0, kept_bytes = 0;      // were in the base already
};

/// One file of a backup.
struct BackupFile {
  std::string name;  // relative to the backup: segments/0000000001.seg
  std::uint64_t size_bytes = 0;
  std::uint64_t checksum = 0;
};

/// What stands in the file BACKUP: docs/format/backup.md.
struct BackupManifest {
  CommitSeq seq = 0;
  std::int64_t taken_us = 0;
  std::vector<BackupFile> files;
};

/// Writes a backup of what `pinned` names, from its store's `directory`. It is written under another name
/// (`<target>.incomplete`) and renamed when all of it is on disk. Every segment is read and checked before it
/// is taken, unless `trusts_base`. Errors: ObjectInUse where something else stands at `target`, DataCorrupted
/// for a damaged segment, UndefinedFile, DiskFull, IoError: nothing is left of the backup, and an earlier one
/// is as it was.
BackupReport write_backup(FileSystem& files, const std::filesystem::path& directory,
                          const PinnedStore& pinned, const std::filesystem::path& target,
                          const BackupOptions& options);

/// Errors: UndefinedFile where `directory` is no whole backup, DataCorrupted, FeatureNotSupported.
BackupManifest read_backup_manifest(FileSystem& files, const std::filesystem::path& directory);

/// Makes a data directory of a backup: copies its files, checks them on the way and the whole at the end.
/// Errors: as `read_backup_manifest`; ObjectInUse where `directory` is not empty; DataCorrupted naming the
/// file, DiskFull, IoError: nothing is left then. `files` may be nullptr: the machine's.
BackupManifest restore_backup(FileSystem* files, const std::filesystem::path& backup,
                              const std::filesystem::path& directory,
                              const std::function<void(std::uint64_t, std::uint64_t)>& progress = {});

/// A backup opened as a data directory would no longer be one. Errors: ObjectNotInPrerequisiteState.
void refuse_backup(FileSystem& files, const std::filesystem::path& directory);

inline constexpr const char* kBackupName = "BACKUP";

/// XXH3 of each MiB of a file, seeded with that of the MiB before.
struct FileSum {
  std::uint64_t size_bytes = 0;
  std::uint64_t checksum = 0;
  friend bool operator==(const FileSum&, const FileSum&) = default;
};
FileSum sum_of_file(FileSystem& files, const std::filesystem::path& path);

}  // namespace tickstone::storage
