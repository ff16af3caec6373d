// SPDX-License-Identifier: Apache-2.0
#include "storage/verify.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "storage/backup.hpp"
#include "storage/chunk_check.hpp"
#include "storage/directory_lock.hpp"
#include "storage/log.hpp"
#include "storage/log_check.hpp"
#include "storage/manifest.hpp"
#include "storage/sealed_segment.hpp"
#include "storage/segment_check.hpp"
#include "storage/store.hpp"

namespace tickstone::storage {

namespace {

using Kind = VerifyFinding::Kind;

std::string text_of(const Error& error) {
  return error.message() + (error.detail().empty() ? "" : ": " + error.detail());
}

class Verification {
 public:
  Verification(const std::filesystem::path& directory, const VerifyOptions& options)
      : directory_(directory),
        options_(options),
        files_(options.files == nullptr ? posix_file_system() : *options.files) {}

  VerifyReport run() {
    const auto segment_names = files_.list(directory_ / "segments");
    const auto log_names = files_.list(directory_ / "log");
    if (!files_.exists(directory_ / kManifestName) && segment_names.empty() && log_names.empty()) {
      throw Error(ErrorCode::UndefinedFile, fmt::format("\"{}\" is no data directory", directory_.string()));
    }
    measure("segments", segment_names);
    measure("log", log_names);
    report_.is_backup = files_.exists(directory_ / kBackupName);
    if (report_.is_backup) check_backup_files();
    const auto manifest = find_manifest();
    if (manifest) {
      check_tables(*manifest);
      check_log_files(*manifest);
    } else {
      check_log_files({.first_log_file = first_log_file(log_names)});
    }
    check_unnamed(manifest, segment_names, log_names);
    if (!report_.has_damage()) open_store();
    return std::move(report_);
  }

 private:
  void add(VerifyFinding finding) {
    finding.table_name = finding.table == 0 ? "" : finding.table_name;
    report_.findings.push_back(std::move(finding));
    if (options_.on_finding) options_.on_finding(report_.findings.back());
  }
  void damage(const std::filesystem::path& file, std::uint64_t offset, const std::string& what,
              const TableSchema* table = nullptr) {
    add({Kind::Damage, file, offset, table == nullptr ? 0 : table->id,
         table == nullptr ? std::string() : table->name, what});
  }
  void note(const std::filesystem::path& file, std::uint64_t offset, const std::string& what) {
    add({Kind::Note, file, offset, 0, {}, what});
  }
  void advance(std::uint64_t bytes) {
    done_bytes_ += bytes;
    if (options_.progress) options_.progress(std::min(done_bytes_, total_bytes_), total_bytes_);
  }

  std::uint64_t size_of(const std::filesystem::path& path) {
    try {
      return files_.open(path, FileSystem::Mode::Read)->size_bytes();
    } catch (const Error&) {
      return 0;  // told when the file is read
    }
  }
  void measure(const char* folder, const std::vector<std::string>& names) {
    for (const auto& name : names) {
      total_bytes_ += size_of(directory_ / folder / name);
      ++report_.file_count;
    }
    report_.bytes = total_bytes_;
  }

  std::optional<Manifest> find_manifest() {
    const auto path = directory_ / kManifestName;
    try {
      auto manifest = read_manifest(files_, directory_);
      if (!manifest) damage(path, 0, "the file is missing");
      if (manifest) {
        report_.seq = manifest->seq;
        report_.bytes += size_of(path);
        ++report_.file_count;
      }
      return manifest;
    } catch (const Error& error) {
      if (error.code() == ErrorCode::FeatureNotSupported) throw;
      damage(path, 0, text_of(error));
      return std::nullopt;
    }
  }

  void check_backup_files() {
    BackupManifest backup;
    try {
      backup = read_backup_manifest(files_, directory_);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::FeatureNotSupported) throw;
      damage(directory_ / kBackupName, 0, text_of(error));
      return;
    }
    for (const auto& file : backup.files) total_bytes_ += file.size_bytes;
    std::set<std::string> named;
    for (const auto& file : backup.files) {
      named.insert(file.name);
      backed_up_.insert(file.name.substr(0, file.name.find('/')));
      const auto path = directory_ / file.name;
      try {
        if (!files_.exists(path)) {
          damage(path, 0, "the file is missing");
          continue;
        }
        const FileSum sum = sum_of_file(files_, path);
        if (sum.size_bytes != file.size_bytes) {
          damage(
              path, std::min(sum.size_bytes, file.size_bytes),
              fmt::format("it has {} bytes, the backup's manifest says {}", sum.size_bytes, file.size_bytes));
        } else if (sum.checksum != file.checksum) {
          damage(path, 0, "its checksum is not the one in the backup's manifest");
        }
      } catch (const Error& error) {
        damage(path, 0, text_of(error));
      }
      advance(file.size_bytes);
    }
    for (const char* folder : {"segments", "log"}) {
      for (const auto& name : files_.list(directory_ / folder)) {
        if (!named.contains(std::string(folder) + "/" + name)) {
          note(directory_ / folder / name, 0, "the backup's manifest does not name this file");
        }
      }
    }
  }

  void check_tables(const Manifest& manifest) {
    std::set<TableId> tables;
    std::set<std::uint32_t> chunks, labels;
    const auto path = directory_ / kManifestName;
    for (const auto& table : manifest.tables) {
      ++report_.table_count;
      if (!tables.insert(table.schema.id).second) {
        damage(path, 0, "the manifest has the table twice", &table.schema);
      }
      const ManifestChunk* before = nullptr;
      for (const auto& chunk : table.chunks) {
        ++report_.chunk_count;
        const auto is_given = [&](std::uint32_t number) {
          return number < manifest.next_chunk || number == (kSystemChunkNumbers | table.schema.id);
        };
        if (!chunks.insert(chunk.number).second || !is_given(chunk.number)) {
          damage(path, 0, fmt::format("chunk number {} is not its own", chunk.number), &table.schema);
        }
        if (!labels.insert(chunk.label).second || !is_given(chunk.label)) {
          damage(path, 0, fmt::format("the label of chunk {} is not its own", chunk.number), &table.schema);
        }
        if (chunk.range.start >= chunk.range.end ||
            (before != nullptr && before->range.end > chunk.range.start)) {
          damage(path, 0, fmt::format("the range of chunk {} overlaps another one", chunk.number),
                 &table.schema);
        }
        before = &chunk;
        check_chunk(manifest, table, chunk);
      }
    }
  }

  void check_chunk(const Manifest& manifest, const ManifestTable& table, const ManifestChunk& chunk) {
    bool is_whole = true;
    for (const auto& segment : chunk.segments) {
      ++report_.segment_count;
      report_.sealed_rows += segment.row_count;
      is_whole &= check_segment_of(manifest, table, chunk, segment);
    }
    if (!is_whole || chunk.segments.size() < 2) return;
    try {
      if (const auto twice = find_repeated_key(files_, directory_ / "segments", chunk)) {
        damage(
            directory_ / "segments" / SealedSegment::file_name(twice->segment), 0,
            fmt::format("row {} has the key of a living row of segment {}", twice->row, twice->other_segment),
            &table.schema);
      }
    } catch (const Error& error) {
      damage(directory_ / "segments", 0, text_of(error), &table.schema);
    }
  }

  bool check_segment_of(const Manifest& manifest, const ManifestTable& table, const ManifestChunk& chunk,
                        const ManifestSegment& segment) {
    const auto path = directory_ / "segments" / SealedSegment::file_name(segment.number);
    bool is_whole = true;
    const auto found = [&](std::uint64_t offset, const std::string& what) {
      is_whole = false;
      damage(path, offset, what, &table.schema);
    };
    if (!seen_segments_.insert(segment.number).second || segment.number >= manifest.next_segment) {
      found(0, "the manifest has another use for its number");
    }
    if (!files_.exists(path)) {
      found(0, "the file is missing");
      return false;
    }
    try {
      const std::uint64_t size = size_of(path);
      if (size != segment.size_bytes) {
        found(std::min(size, segment.size_bytes),
              fmt::format("it has {} bytes, the manifest says {}", size, segment.size_bytes));
      }
      const auto footer = check_segment(files_, path, found);
      if (footer) compare(table, chunk, segment, *footer, found);
    } catch (const Error& error) {
      found(0, text_of(error));
    }
    advance(segment.size_bytes);
    return is_whole;
  }

  /// Whether a whole segment is the one that the manifest means.
  static void compare(const ManifestTable& table, const ManifestChunk& chunk, const ManifestSegment& segment,
                      const SegmentFooter& footer, const DamageFound& found) {
    if (footer.schema.id != table.schema.id) {
      found(0, fmt::format("it belongs to table {} (\"{}\")", footer.schema.id, footer.schema.name));
      return;
    }
    if (footer.row_count() != segment.row_count) {
      found(0, fmt::format("it has {} rows, the manifest says {}", footer.row_count(), segment.row_count));
    }
    if (sort_columns(footer.schema) != sort_columns(table.schema)) {
      found(0, "it is sorted by other columns than its table");
    }
    for (const auto& column : footer.schema.columns) {
      const auto* current = table.schema.find(column.id);
      if (current != nullptr && current->type != column.type) {
        found(0, fmt::format("column \"{}\" has another type than in its table", column.name));
      }
    }
    for (const auto& series : footer.series) {
      const bool is_after = chunk.range.end != INT64_MAX && series.max_time_inclusive >= chunk.range.end;
      if (series.min_time < chunk.range.start || is_after) {
        found(0, "it has times outside of its chunk");
        break;
      }
    }
    std::uint64_t least = 0;
    for (const std::uint64_t row : segment.ended_rows) {
      if (row < least || row >= segment.row_count) {
        found(0, "the manifest ends rows that it does not have");
        break;
      }
      least = row + 1;
    }
  }

  /// A segment that no manifest names yet.
  void check_logged_segment(const Manifest& manifest, TableId table, const LoggedTable::Segment& segment) {
    if (!seen_segments_.insert(segment.number).second) return;
    const auto named = std::find_if(manifest.tables.begin(), manifest.tables.end(),
                                    [&](const ManifestTable& entry) { return entry.schema.id == table; });
    // The table may be newer than the manifest; its segment has its schema too.
    std::optional<TableSchema> schema;
    if (named != manifest.tables.end()) schema = named->schema;
    const auto path = directory_ / "segments" / SealedSegment::file_name(segment.number);
    ++report_.segment_count;
    report_.sealed_rows += segment.row_count;
    const auto found = [&](std::uint64_t offset, const std::string& what) {
      damage(path, offset, what, schema ? &*schema : nullptr);
    };
    if (!files_.exists(path)) return found(0, "the file is missing");
    try {
      const auto footer = check_segment(files_, path, found);
      const std::uint64_t size = size_of(path);
      if (footer && footer->schema.id != table) {
        found(0, fmt::format("it belongs to table {} (\"{}\")", footer->schema.id, footer->schema.name));
      } else if (footer && (footer->row_count() != segment.row_count || size != segment.size_bytes)) {
        found(0, fmt::format("it has {} rows in {} bytes, its commit says {} rows in {} bytes",
                             footer->row_count(), size, segment.row_count, segment.size_bytes));
      }
    } catch (const Error& error) {
      found(0, text_of(error));
    }
    advance(segment.size_bytes);
  }

  static std::uint64_t first_log_file(const std::vector<std::string>& names) {
    std::uint64_t number = 1;
    if (!names.empty()) std::sscanf(names.front().c_str(), "%lu", &number);
    return number;
  }

  void check_log_files(const Manifest& manifest) {
    LogFindings findings;
    findings.damage = [&](const std::filesystem::path& path, std::uint64_t offset, const std::string& what) {
      damage(path, offset, what);
    };
    findings.note = [&](const std::filesystem::path& path, std::uint64_t offset, const std::string& what) {
      note(path, offset, what);
    };
    findings.progress = [&](std::uint64_t bytes) { advance(bytes); };
    const LogFacts facts =
        check_log(files_, directory_ / "log", manifest.first_log_file, manifest.seq, findings);
    for (const auto& [table, segment] : facts.segments) check_logged_segment(manifest, table, segment);
    report_.log_records = facts.record_count;
    report_.log_commits = facts.commit_count;
  }

  /// Files that nothing names. Where the manifest is lost, segments are checked all the same.
  void check_unnamed(const std::optional<Manifest>& manifest, const std::vector<std::string>& segment_names,
                     const std::vector<std::string>& log_names) {
    for (const auto& name : segment_names) {
      std::uint64_t number = 0;
      const bool is_segment =
          std::sscanf(name.c_str(), "%lu.seg", &number) == 1 && name == SealedSegment::file_name(number);
      if (is_segment && seen_segments_.contains(number)) continue;
      const auto path = directory_ / "segments" / name;
      if (manifest) {
        if (!report_.is_backup)
          note(path, 0, "left over: the manifest does not name it; opening the store removes it");
      } else if (is_segment) {
        try {
          check_segment(files_, path,
                        [&](std::uint64_t offset, const std::string& what) { damage(path, offset, what); });
        } catch (const Error& error) {
          damage(path, 0, text_of(error));
        }
        advance(size_of(path));
      } else {
        note(path, 0, "no file of a store");
      }
    }
    for (const auto& name : log_names) {
      std::uint64_t number = 0;
      const bool is_log = std::sscanf(name.c_str(), "%lu.log", &number) == 1 && name == log_file_name(number);
      const auto path = directory_ / "log" / name;
      if (!is_log) {
        note(path, 0, "no file of a store");
      } else if (manifest && number < manifest->first_log_file) {
        note(path, 0, "left over: all of it is in segments; opening the store removes it");
      }
    }
    // The last ones are what queries spill, what the engine keeps of statements, and how a server is
    // configured.
    static const std::set<std::string> known = {
        kLockName,         kManifestName,     kBackupName,           "log", "segments", "tmp",
        "statements.json", "postgresql.conf", "postgresql.auto.conf"};
    for (const auto& name : files_.list(directory_)) {
      if (name == kNewManifestName) {
        note(directory_ / name, 0, "left over: a manifest that was not finished");
      } else if (!known.contains(name) && !backed_up_.contains(name)) {
        note(directory_ / name, 0, "no file of a store");
      }
    }
  }

  /// What only replaying the log shows.
  void open_store() {
    StoreOptions options;
    options.create_if_missing = false;
    options.read_only = true;
    options.files = options_.files;
    try {
      const auto store = Store::open(directory_, options);
    } catch (const Error& error) {
      damage(directory_, 0, "the store does not open: " + text_of(error));
    }
  }

  const std::filesystem::path& directory_;
  const VerifyOptions& options_;
  FileSystem& files_;
  VerifyReport report_;
  std::set<std::uint64_t> seen_segments_;
  std::set<std::string> backed_up_;  // what stands in a backup, by its manifest
  std::uint64_t total_bytes_ = 0;
  std::uint64_t done_bytes_ = 0;
};

}  // namespace

bool VerifyReport::has_damage() const {
  return std::any_of(findings.begin(), findings.end(),
                     [](const VerifyFinding& finding) { return finding.kind == Kind::Damage; });
}

VerifyReport verify_directory(const std::filesystem::path& directory, const VerifyOptions& options) {
  std::optional<DirectoryLock> lock;
  if (options.files == nullptr) {
    std::error_code error;
    if (!std::filesystem::is_directory(directory, error)) {
      throw Error(ErrorCode::UndefinedFile,
                  fmt::format("data directory \"{}\" does not exist", directory.string()));
    }
    lock.emplace(directory, DirectoryLockMode::Shared);
  }
  return Verification(directory, options).run();
}

}  // namespace tickstone::storage
