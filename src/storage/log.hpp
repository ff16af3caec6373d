// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "storage/file_system.hpp"
#include "storage/schema.hpp"

namespace tickstone::storage {

enum class LogRecordKind : std::uint8_t {
  Rows = 1,                // id: transaction. Rows of a transaction that has not committed yet
  Commit = 2,              // id: commit number
  Abort = 3,               // id: transaction
  Sequence = 4,            // id: 0
  CommitWithSegments = 5,  // as Commit; some of its rows are in segments that it names
  Mark = 6,                // id: 0. Says how far the log is durable, and nothing else
  TimedCommit = 7,         // as CommitWithSegments; says when it was made, and what chunks it makes
};

struct LogPosition {
  std::uint64_t file = 0;
  std::uint64_t offset = 0;
  friend auto operator<=>(const LogPosition&, const LogPosition&) = default;
};

struct LogRecord {
  LogRecordKind kind = LogRecordKind::Commit;
  std::uint64_t id = 0;
  LogPosition position;
  std::vector<std::byte> body;
};

/// The write-ahead log: preallocated files of checksummed records. Bytes: docs/format/log.md.
///
/// Threads: any.
class Log {
 public:
  /// Writes go to a new file of that number; the one before ends at `previous_end` (0: nobody knows).
  Log(FileSystem& files, std::filesystem::path directory, std::uint64_t file_bytes, std::uint64_t first_file,
      std::uint64_t previous_end = 0);
  ~Log();

  /// Appends one record, not yet synced. Errors: DiskFull, IoError; the log is then as before, or can no
  /// longer be written.
  LogPosition append(LogRecordKind kind, std::uint64_t id, std::span<const std::byte> body);
  /// Makes all that was appended durable. Errors: IoError, after which nothing can be appended.
  void sync();
  /// To be called now and then: where nothing was appended since the call before, a record says durably how
  /// far the log goes, so that damage to what was acknowledged last is not taken for a torn write. Errors: as
  /// `append` and `sync`.
  void mark_when_idle();
  /// Makes the file that follows, so that whoever fills this one need not wait for it. What fails is tried
  /// again when the file is needed.
  void prepare_next() noexcept;
  /// Less than half of the file is left, and nobody has prepared the next one.
  bool wants_next() const;
  /// Starts a new file and returns its number.
  std::uint64_t rotate();
  void remove_before(std::uint64_t file);
  std::uint64_t current_file() const;

  /// Of all files that are there.
  std::uint64_t bytes() const;
  std::uint64_t written_bytes() const;
  std::uint64_t sync_count() const;
  bool has_unsynced() const;
  bool has_failed() const;
  /// Errors: IoError once it has failed.
  void check_usable() const;
  /// Refuses everything from now on: what was applied and what was logged differ.
  void fail();

 private:
  void throw_if_failed() const;
  void start_file(std::uint64_t number, std::uint64_t least_bytes);
  LogPosition append_here(LogRecordKind kind, std::uint64_t id, std::span<const std::byte> body);
  std::shared_ptr<File> make_file(std::uint64_t number, std::uint64_t capacity, std::uint64_t previous_end);
  std::shared_ptr<File> make_file_that_fits(std::uint64_t number, std::uint64_t& capacity,
                                            std::uint64_t least_bytes);
  void take_back(std::uint64_t offset) noexcept;

  FileSystem& files_;
  std::filesystem::path directory_;
  std::uint64_t file_bytes_;

  mutable std::mutex mutex_;
  std::shared_ptr<File> file_;
  std::uint64_t number_ = 0;
  std::uint64_t end_ = 0;
  std::uint64_t capacity_ = 0;
  std::uint64_t zeroed_ = 0;                  // zeros were written up to here, or records beyond it
  std::vector<std::shared_ptr<File>> dirty_;  // written to since the last sync, oldest first
  LogPosition durable_;
  LogPosition idle_at_;  // the end at the last call of `mark_when_idle`
  bool is_marked_ =
      true;  // nothing but a mark was appended since the file was started, or since the last mark
  std::vector<std::pair<std::uint64_t, std::uint64_t>>
      sizes_;  // of the files that are there: number, bytes used
  std::uint64_t written_bytes_ = 0;
  std::uint64_t sync_count_ = 0;
  bool has_failed_ = false;
  std::mutex sync_mutex_;  // one sync or new file at a time; taken before `mutex_`
  std::vector<std::byte> buffer_;

  std::mutex next_mutex_;            // taken last
  std::uint64_t newest_number_ = 0;  // of the files that were made, the prepared one left out
  std::shared_ptr<File> next_;       // has the number after it and `file_bytes_`; nullptr: none
  std::atomic<bool> has_next_{false};
};

std::string log_file_name(std::uint64_t number);
/// Of the log files from `first` on, ascending. Files with other names are none.
std::vector<std::uint64_t> log_file_numbers(FileSystem& files, const std::filesystem::path& directory,
                                            std::uint64_t first = 0);

/// Reads the records of all files from `first_file` on, in order. A torn tail is cut off the file, later
/// files with nothing durable in them are removed, and all that was read is made durable (unless
/// `read_only`). Returns where the last file ends; its number is `first_file` - 1 where there is none.
/// `settle` is called after the last record of a file, before anything of the file is changed. Errors:
/// DataCorrupted naming file and offset for damage before the end; FeatureNotSupported for a newer version.
LogPosition replay_log(FileSystem& files, const std::filesystem::path& directory, std::uint64_t first_file,
                       bool must_exist, bool read_only, const std::function<void(const LogRecord&)>& visit,
                       const std::function<void()>& settle = {});
LogRecord read_log_record(FileSystem& files, const std::filesystem::path& directory, LogPosition position);

}  // namespace tickstone::storage
