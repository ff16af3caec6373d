// SPDX-License-Identifier: Apache-2.0
#include "storage/backup.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "base/bytes.hpp"
#include "base/checksum.hpp"
#include "base/clock.hpp"
#include "storage/checked_file.hpp"
#include "storage/directory_lock.hpp"
#include "storage/log_format.hpp"
#include "storage/pinned_store.hpp"
#include "storage/segment_check.hpp"
#include "storage/verify.hpp"

namespace tickstone::storage {

namespace {

constexpr CheckedFormat kFormat{
    {'T', 'I', 'C', 'K', 'B', 'A', 'K', '1'}, {.oldest = 1, .newest = 1}, "backup manifest"};
constexpr std::size_t kPieceBytes = 1U << 20;

/// Names of what may stand in the folders of a backup or a data directory.
constexpr const char* kFolders[] = {"log", "segments"};

std::filesystem::path beside(const std::filesystem::path& target, const char* suffix) {
  std::filesystem::path path = target;
  path += suffix;
  return path;
}

/// Without a slash at the end, so that a name can be made of it.
std::filesystem::path plain(const std::filesystem::path& path) {
  return path.has_filename() ? path : path.parent_path();
}

/// A file, or a folder of companions with what is in it.
void remove_any(FileSystem& files, const std::filesystem::path& path) {
  try {
    files.remove(path);
  } catch (const Error&) {
    for (const auto& name : files.list(path)) remove_any(files, path / name);
    files.remove(path);
  }
}

void remove_tree(FileSystem& files, const std::filesystem::path& directory) {
  // First what makes it a backup.
  if (files.exists(directory / kBackupName)) {
    files.remove(directory / kBackupName);
    files.sync_directory(directory);
  }
  for (const char* folder : kFolders) {
    const auto names = files.list(directory / folder);
    for (const auto& name : names) files.remove(directory / folder / name);
    // What comes by the same name later must not meet them again after a crash.
    if (!names.empty()) files.sync_directory(directory / folder);
    if (files.exists(directory / folder)) files.remove(directory / folder);
  }
  for (const auto& name : files.list(directory)) remove_any(files, directory / name);
  if (files.exists(directory)) files.remove(directory);
}

void remove_tree_quietly(FileSystem& files, const std::filesystem::path& directory) {
  try {
    remove_tree(files, directory);
  } catch (const Error&) {
    // Boundary: another error is on its way; what is left is no whole backup and says so.
  }
}

bool is_plain_name(const std::string& text) {
  const std::filesystem::path name(text);
  return !text.empty() && !name.is_absolute() && name.lexically_normal() == name && !text.starts_with("..");
}

/// The folders that a file of this name stands in, outermost first.
std::vector<std::filesystem::path> folders_of(const std::string& name) {
  std::vector<std::filesystem::path> folders;
  for (auto at = name.find('/'); at != std::string::npos; at = name.find('/', at + 1))
    folders.emplace_back(name.substr(0, at));
  return folders;
}

/// Reads all of a file in pieces; `take` gets each.
template <typename Take>
FileSum read_in_pieces(FileSystem& files, const std::filesystem::path& path, const Take& take) {
  const auto file = files.open(path, FileSystem::Mode::Read);
  std::vector<std::byte> piece(kPieceBytes);
  FileSum sum;
  for (;;) {
    const std::size_t size = file->read_at(sum.size_bytes, piece);
    const auto bytes = std::span<const std::byte>(piece).first(size);
    if (size == 0) return sum;
    sum.checksum = checksum64(bytes, sum.checksum);
    take(sum.size_bytes, bytes);
    sum.size_bytes += size;
  }
}

FileSum copy_file(FileSystem& files, const std::filesystem::path& from, const std::filesystem::path& to,
                  const std::function<void(std::uint64_t)>& copied) {
  const auto target = files.open(to, FileSystem::Mode::Create);
  const FileSum sum =
      read_in_pieces(files, from, [&](std::uint64_t offset, std::span<const std::byte> bytes) {
        target->write_at(offset, bytes);
        copied(bytes.size());
      });
  target->sync_data();
  return sum;
}

void make_folders(FileSystem& files, const std::filesystem::path& directory) {
  files.make_directory(directory);
  for (const char* folder : kFolders) files.make_directory(directory / folder);
}

void sync_folders(FileSystem& files, const std::filesystem::path& directory) {
  for (const char* folder : kFolders) files.sync_directory(directory / folder);
  files.sync_directory(directory);
}

void check_segment_is_whole(FileSystem& files, const std::filesystem::path& path) {
  check_segment(files, path, [&](std::uint64_t offset, const std::string& what) {
    throw Error(ErrorCode::DataCorrupted,
                fmt::format("segment file \"{}\" is damaged at offset {}", path.string(), offset), what,
                "The backup was given up; tickstone verify tells what else is damaged.");
  });
}

/// The header and the whole records of a log file that is written no more. Errors: DataCorrupted where
/// something else than zeros follows.
std::vector<std::byte> records_of(const File& file, std::uint64_t number) {
  std::vector<std::byte> bytes(file.size_bytes());
  bytes.resize(file.read_at(0, bytes));
  std::uint64_t end = is_log_file_header(bytes, number) ? kLogHeaderBytes : 0;
  while (end >= kLogHeaderBytes) {
    const auto rest = std::span<const std::byte>(bytes).subspan(end);
    const auto header = get_log_record_header(rest, number);
    if (!header || !is_log_record_whole(rest, *header, number)) break;
    end += kLogRecordHeaderBytes + header->body_bytes;
  }
  const bool is_whole =
      end >= kLogHeaderBytes && std::all_of(bytes.begin() + static_cast<std::ptrdiff_t>(end), bytes.end(),
                                            [](std::byte value) { return value == std::byte{0}; });
  if (!is_whole) {
    throw Error(ErrorCode::DataCorrupted,
                fmt::format("log file \"{}\" is damaged at offset {}", file.path().string(), end),
                "No whole record starts there.",
                "The backup was given up; tickstone verify tells what else is damaged.");
  }
  bytes.resize(end);
  return bytes;
}

class BackupWriter {
 public:
  BackupWriter(FileSystem& files, std::filesystem::path directory, const PinnedStore& pinned,
               std::filesystem::path staging, std::vector<std::filesystem::path> bases,
               const BackupOptions& options)
      : files_(files),
        directory_(std::move(directory)),
        pinned_(pinned),
        staging_(std::move(staging)),
        options_(options) {
    for (auto& base : bases) {
      Base known{std::move(base), {}};
      for (auto& file : read_backup_manifest(files_, known.directory).files) {
        known.files[file.name] = file;
      }
      bases_.push_back(std::move(known));
    }
  }

  BackupReport write() {
    for (const auto& [number, sealed] : pinned_.segments) total_bytes_ += sealed->segment().size_bytes();
    make_folders(files_, staging_);
    for (const auto& [number, sealed] : pinned_.segments) add_segment(number, sealed->segment().size_bytes());
    add_log();
    add_companions();
    add_manifest();
    sync_folders(files_, staging_);
    write_own_manifest();
    report_.seq = pinned_.seq;
    return report_;
  }

 private:
  struct Base {
    std::filesystem::path directory;
    std::map<std::string, BackupFile> files;
  };

  void advance(std::uint64_t bytes) {
    done_bytes_ += bytes;
    if (options_.progress) options_.progress(std::min(done_bytes_, total_bytes_), total_bytes_);
  }

  void add_segment(std::uint64_t number, std::uint64_t size_bytes) {
    const std::string name = "segments/" + SealedSegment::file_name(number);
    const auto source = directory_ / name;
    const auto made = staging_ / name;
    for (const auto& base : bases_) {
      const auto found = base.files.find(name);
      if (found == base.files.end() || found->second.size_bytes != size_bytes) continue;
      const auto kept = base.directory / name;
      if (!files_.exists(kept)) continue;
      // An equal file is as good as the same one, where it has not been damaged since.
      const bool is_same = files_.is_same_file(source, kept);
      if (!is_same && sum_of(source) != sum_of(found->second)) continue;
      if (!(is_same && options_.trusts_base) && sum_of(kept) != sum_of(found->second)) continue;
      if (!files_.try_link(kept, made)) continue;
      ++report_.kept_files;
      report_.kept_bytes += size_bytes;
      note(name, sum_of(found->second));
      advance(size_bytes);
      return;
    }
    check_segment_is_whole(files_, source);
    FileSum sum;
    if (files_.try_link(source, made)) {
      sum = sum_of(source);
      advance(size_bytes);
    } else {
      sum = copy_file(files_, source, made, [&](std::uint64_t bytes) { advance(bytes); });
      ++report_.copied_files;
      report_.copied_bytes += sum.size_bytes;
    }
    if (sum.size_bytes != size_bytes) {
      throw Error(ErrorCode::DataCorrupted,
                  fmt::format("segment file \"{}\" is damaged at offset {}", source.string(), sum.size_bytes),
                  fmt::format("It had {} bytes when it was opened.", size_bytes));
    }
    note(name, sum);
  }

  /// The records as far as they go, and an empty file behind them.
  void add_log() {
    std::uint64_t end = 0;
    for (const auto& [number, file] : pinned_.log_files) {
      const auto records = records_of(*file, number);
      end = records.size();
      add_log_file(number, records);
    }
    add_log_file(pinned_.next_log_file, log_file_header(pinned_.next_log_file, end));
  }

  void add_log_file(std::uint64_t number, std::span<const std::byte> bytes) {
    const std::string name = "log/" + log_file_name(number);
    {
      const auto file = files_.open(staging_ / name, FileSystem::Mode::Create);
      file->write_at(0, bytes);
      file->sync_data();
    }
    note(name, sum_of(staging_ / name));
  }

  void add_companions() {
    static const std::set<std::string> own = {kManifestName, kNewManifestName, kBackupName, kLockName,
                                              "log",         "segments",       "tmp"};
    std::set<std::filesystem::path> folders;
    for (const auto& name : options_.companions) {
      if (!is_plain_name(name) || own.contains(name.substr(0, name.find('/'))) ||
          !files_.exists(directory_ / name) || files_.exists(staging_ / name))
        continue;
      for (const auto& folder : folders_of(name)) {
        files_.make_directory(staging_ / folder);
        folders.insert(folder);
      }
      const FileSum sum = copy_file(files_, directory_ / name, staging_ / name, [](std::uint64_t) {});
      ++report_.copied_files;
      report_.copied_bytes += sum.size_bytes;
      note(name, sum);
    }
    for (const auto& folder : folders) files_.sync_directory(staging_ / folder);
  }

  void add_manifest() {
    write_manifest(files_, staging_, pinned_.manifest, [] {});
    note(kManifestName, sum_of(staging_ / kManifestName));
  }

  void write_own_manifest() {
    ByteWriter body;
    body.put(pinned_.seq);
    body.put(system_clock().now_us());
    body.put(static_cast<std::uint32_t>(noted_.size()));
    for (const auto& file : noted_) {
      body.put_string(file.name);
      body.put(file.size_bytes);
      body.put(file.checksum);
    }
    write_checked_file(files_, staging_ / kBackupName, kFormat, body.bytes());
    files_.sync_directory(staging_);
  }

  FileSum sum_of(const std::filesystem::path& path) const { return sum_of_file(files_, path); }
  static FileSum sum_of(const BackupFile& file) { return {file.size_bytes, file.checksum}; }
  void note(const std::string& name, FileSum sum) {
    noted_.push_back({name, sum.size_bytes, sum.checksum});
    ++report_.file_count;
    report_.bytes += sum.size_bytes;
  }

  FileSystem& files_;
  std::filesystem::path directory_;
  const PinnedStore& pinned_;
  std::filesystem::path staging_;
  const BackupOptions& options_;
  std::vector<Base> bases_;
  std::vector<BackupFile> noted_;
  BackupReport report_;
  std::uint64_t total_bytes_ = 0;
  std::uint64_t done_bytes_ = 0;
};

bool is_empty_or_missing(FileSystem& files, const std::filesystem::path& directory) {
  return files.list(directory).empty();
}

bool lies_in(const std::filesystem::path& path, const std::filesystem::path& directory) {
  const auto inner = std::filesystem::weakly_canonical(std::filesystem::absolute(path));
  const auto outer = plain(std::filesystem::weakly_canonical(std::filesystem::absolute(directory)));
  const auto [end, at] = std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end());
  return end == outer.end();
}

}  // namespace

FileSum sum_of_file(FileSystem& files, const std::filesystem::path& path) {
  return read_in_pieces(files, path, [](std::uint64_t, std::span<const std::byte>) {});
}

BackupReport write_backup(FileSystem& files, const std::filesystem::path& directory,
                          const PinnedStore& pinned, const std::filesystem::path& named_target,
                          const BackupOptions& options) {
  const auto target = plain(named_target);
  if (lies_in(target, directory)) {
    throw Error(ErrorCode::InvalidParameterValue,
                fmt::format("backup \"{}\" would lie in the data directory", target.string()));
  }
  const auto staging = beside(target, ".incomplete");
  const auto previous = beside(target, ".previous");
  // A backup that was stopped between its two renames.
  if (!files.exists(target / kBackupName) && files.exists(previous / kBackupName) &&
      is_empty_or_missing(files, target)) {
    files.rename(previous, target);
  }
  const bool replaces = files.exists(target / kBackupName);
  if (!replaces && !is_empty_or_missing(files, target)) {
    throw Error(ErrorCode::ObjectInUse,
                fmt::format("directory \"{}\" is not empty and no backup", target.string()), {},
                "Give the backup a new directory, or that of an earlier backup.");
  }
  std::vector<std::filesystem::path> bases;
  if (replaces) bases.push_back(target);
  if (!options.base.empty()) bases.push_back(plain(options.base));
  BackupReport report;
  remove_tree(files, staging);
  try {
    report = BackupWriter(files, directory, pinned, staging, std::move(bases), options).write();
  } catch (...) {
    remove_tree_quietly(files, staging);
    throw;
  }
  if (replaces) {
    remove_tree(files, previous);
    files.rename(target, previous);
    files.sync_directory(target.parent_path());
  }
  files.rename(staging, target);
  files.sync_directory(target.parent_path());
  if (replaces) remove_tree(files, previous);
  return report;
}

BackupManifest read_backup_manifest(FileSystem& files, const std::filesystem::path& directory) {
  const auto path = directory / kBackupName;
  if (!files.exists(path)) {
    throw Error(ErrorCode::UndefinedFile, fmt::format("\"{}\" is no backup", directory.string()),
                fmt::format("It has no file {}, which is written when all else is there.", kBackupName));
  }
  const auto file = read_checked_file(files, path, kFormat);
  ByteReader in(file.body(), "backup manifest");
  BackupManifest manifest;
  manifest.seq = in.get<CommitSeq>();
  manifest.taken_us = in.get<std::int64_t>();
  const auto count = in.get<std::uint32_t>();
  for (std::uint32_t i = 0; i < count; ++i) {
    BackupFile entry;
    entry.name = in.get_string();
    entry.size_bytes = in.get<std::uint64_t>();
    entry.checksum = in.get<std::uint64_t>();
    if (!is_plain_name(entry.name)) {
      throw Error(
          ErrorCode::DataCorrupted,
          fmt::format("backup manifest \"{}\" is damaged at offset {}", path.string(), kCheckedHeaderBytes),
          fmt::format("It names \"{}\".", entry.name));
    }
    manifest.files.push_back(std::move(entry));
  }
  return manifest;
}

BackupManifest restore_backup(FileSystem* given_files, const std::filesystem::path& backup,
                              const std::filesystem::path& named_directory,
                              const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  FileSystem& files = given_files == nullptr ? posix_file_system() : *given_files;
  const auto directory = plain(named_directory);
  auto manifest = read_backup_manifest(files, backup);
  if (!is_empty_or_missing(files, directory)) {
    throw Error(ErrorCode::ObjectInUse, fmt::format("directory \"{}\" is not empty", directory.string()), {},
                "Give restore an empty or a new directory.");
  }
  std::uint64_t total = 0;
  std::uint64_t done = 0;
  for (const auto& file : manifest.files) total += file.size_bytes;
  try {
    make_folders(files, directory);
    std::set<std::filesystem::path> folders;
    for (const auto& file : manifest.files) {
      for (const auto& folder : folders_of(file.name)) {
        files.make_directory(directory / folder);
        folders.insert(folder);
      }
      // Without its manifest nothing is taken for a data directory.
      const bool is_manifest = file.name == kManifestName;
      const FileSum sum = copy_file(files, backup / file.name,
                                    directory / (is_manifest ? kNewManifestName : file.name.c_str()),
                                    [&](std::uint64_t bytes) {
                                      done += bytes;
                                      if (progress) progress(std::min(done, total), total);
                                    });
      if (sum != FileSum{file.size_bytes, file.checksum}) {
        throw Error(ErrorCode::DataCorrupted,
                    fmt::format("backup file \"{}\" is damaged", (backup / file.name).string()),
                    sum.size_bytes != file.size_bytes
                        ? fmt::format("It has {} bytes instead of {}.", sum.size_bytes, file.size_bytes)
                        : std::string("The checksum does not match."));
      }
    }
    for (const auto& folder : folders) files.sync_directory(directory / folder);
    sync_folders(files, directory);
    files.rename(directory / kNewManifestName, directory / kManifestName);
    files.sync_directory(directory);
    files.sync_directory(directory.parent_path());
    VerifyOptions check;
    check.files = given_files;
    for (const auto& finding : verify_directory(directory, check).findings) {
      if (finding.kind != VerifyFinding::Kind::Damage) continue;
      throw Error(
          ErrorCode::DataCorrupted,
          fmt::format("restored file \"{}\" is damaged at offset {}", finding.file.string(), finding.offset),
          finding.what);
    }
  } catch (...) {
    remove_tree_quietly(files, directory);
    throw;
  }
  return manifest;
}

void refuse_backup(FileSystem& files, const std::filesystem::path& directory) {
  if (!files.exists(directory / kBackupName)) return;
  throw Error(ErrorCode::ObjectNotInPrerequisiteState,
              fmt::format("\"{}\" is a backup, no data directory", directory.string()), {},
              "Restore it into a directory of its own: tickstone restore.");
}

}  // namespace tickstone::storage
