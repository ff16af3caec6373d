// SPDX-License-Identifier: Apache-2.0
#include "storage/log_check.hpp"

#include <algorithm>
#include <set>
#include <tuple>
#include <vector>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "base/bytes.hpp"
#include "storage/commit_record.hpp"
#include "storage/log.hpp"
#include "storage/log_format.hpp"

namespace tickstone::storage {

namespace {

bool is_zero(std::span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte value) { return value == std::byte{0}; });
}

/// A stretch that holds no whole record.
struct Gap {
  std::filesystem::path path;
  LogPosition start;
  std::string what;
};

class LogCheck {
 public:
  LogCheck(FileSystem& files, const std::filesystem::path& directory, CommitSeq after,
           const LogFindings& findings)
      : files_(files), directory_(directory), after_(after), last_commit_(after), findings_(findings) {}

  LogFacts run(std::uint64_t first_file) {
    std::uint64_t expected = first_file;
    for (const std::uint64_t number : log_file_numbers(files_, directory_, first_file)) {
      for (; expected < number; ++expected) {
        findings_.damage(directory_ / log_file_name(expected), 0, "the file is missing");
      }
      check_file(number);
      expected = number + 1;
    }
    if (facts_.file_count == 0) {
      findings_.damage(directory_ / log_file_name(first_file), 0, "the file is missing");
    }
    tell_gaps();
    return facts_;
  }

 private:
  void check_file(std::uint64_t number) {
    const auto path = directory_ / log_file_name(number);
    std::vector<std::byte> bytes;
    try {
      const auto file = files_.open(path, FileSystem::Mode::Read);
      bytes.resize(file->size_bytes());
      bytes.resize(file->read_at(0, bytes));
    } catch (const Error& error) {
      findings_.damage(path, 0, error.message());
      return;
    }
    ++facts_.file_count;
    facts_.bytes += bytes.size();
    std::uint64_t at = 0;
    try {
      if (is_log_file_header(bytes, number)) {
        at = kLogHeaderBytes;
        compare_with_previous(number, previous_log_end(bytes));
      } else {
        gaps_.push_back({path, {number, 0}, "the header is not whole"});
        at = std::min<std::uint64_t>(kLogHeaderBytes, bytes.size());
      }
    } catch (const Error& error) {
      findings_.damage(path, 8, error.message());
      return;
    }
    previous_ = {path, {number, check_records(path, number, bytes, at)}, ""};
    if (findings_.progress) findings_.progress(bytes.size());
  }

  /// `end`: where the records of the file before ended when this one was made, all of them durable; 0: not
  /// said.
  void compare_with_previous(std::uint64_t number, std::uint64_t end) {
    if (end == 0 || previous_.start.file + 1 != number) return;
    durable_ = std::max(durable_, LogPosition{number - 1, end});
    if (end > previous_.start.offset) {
      gaps_.push_back({previous_.path, previous_.start, "the next file says that records follow here"});
    }
  }

  /// Returns where the last whole record ends.
  std::uint64_t check_records(const std::filesystem::path& path, std::uint64_t number,
                              std::span<const std::byte> bytes, std::uint64_t at) {
    bool is_in_gap = false;
    std::uint64_t end = at;
    while (at < bytes.size()) {
      const auto rest = bytes.subspan(at);
      const auto header = get_log_record_header(rest, number);
      if (header && is_log_record_whole(rest, *header, number)) {
        is_in_gap = false;
        durable_ = std::max(durable_, header->durable);
        check_record(path, {number, at}, *header, rest.subspan(kLogRecordHeaderBytes, header->body_bytes));
        at += kLogRecordHeaderBytes + header->body_bytes;
        end = at;
        continue;
      }
      if (!is_in_gap) {
        if (is_zero(rest)) return end;
        gaps_.push_back({path, {number, at}, "no whole record starts here"});
        is_in_gap = true;
      }
      ++at;
    }
    return end;
  }

  void check_record(const std::filesystem::path& path, LogPosition position, const LogRecordHeader& header,
                    std::span<const std::byte> body) {
    ++facts_.record_count;
    try {
      switch (header.kind) {
        case LogRecordKind::Rows: {
          ByteReader in(body, "rows record");
          const LoggedRows rows = get_logged_rows(in);
          parts_.insert({header.id, rows.table, rows.part});
          break;
        }
        case LogRecordKind::Commit:
        case LogRecordKind::CommitWithSegments:
        case LogRecordKind::TimedCommit:
          check_commit(header.id, body, header.kind);
          break;
        case LogRecordKind::Abort:
          forget(header.id);
          break;
        case LogRecordKind::Mark:
          break;
        case LogRecordKind::Sequence: {
          ByteReader in(body, "sequence record");
          get_sequence(in);
          break;
        }
      }
    } catch (const Error& error) {
      findings_.damage(path, position.offset, error.message());
    }
  }

  void check_commit(CommitSeq seq, std::span<const std::byte> body, LogRecordKind kind) {
    ++facts_.commit_count;
    ByteReader in(body, "commit record");
    const CommitRecord commit = get_commit(in, kind);
    if (seq > after_) {
      if (seq <= last_commit_) {
        throw Error(ErrorCode::DataCorrupted,
                    fmt::format("commit {} comes after commit {}", seq, last_commit_));
      }
      last_commit_ = seq;
      for (const auto& table : commit.tables) {
        for (const auto& segment : table.segments) facts_.segments.emplace_back(table.table, segment);
        for (const auto& part : table.earlier) {
          if (parts_.contains({commit.transaction, table.table, part.part})) continue;
          throw Error(ErrorCode::DataCorrupted,
                      fmt::format("the log lacks rows that commit {} wrote to table {}", seq, table.table));
        }
      }
    }
    forget(commit.transaction);
  }

  void forget(std::uint64_t transaction) {
    parts_.erase(parts_.lower_bound({transaction, 0, 0}), parts_.lower_bound({transaction + 1, 0, 0}));
  }

  /// A gap that a later record proves to have been durable is damage; else a crash left it, and opening the
  /// store cuts it off.
  void tell_gaps() {
    for (const auto& gap : gaps_) {
      if (durable_ > gap.start) {
        findings_.damage(gap.path, gap.start.offset,
                         gap.what + "; what was written later says that it was durable");
      } else {
        findings_.note(gap.path, gap.start.offset,
                       gap.what + ": writes that a crash cut off; opening the store removes them");
      }
    }
  }

  FileSystem& files_;
  const std::filesystem::path& directory_;
  CommitSeq after_;
  CommitSeq last_commit_;
  const LogFindings& findings_;
  LogFacts facts_;
  LogPosition durable_;
  std::vector<Gap> gaps_;
  Gap previous_;                                                       // where the file before ends
  std::set<std::tuple<std::uint64_t, TableId, std::uint32_t>> parts_;  // transaction, table, part
};

}  // namespace

LogFacts check_log(FileSystem& files, const std::filesystem::path& directory, std::uint64_t first_file,
                   CommitSeq after, const LogFindings& findings) {
  return LogCheck(files, directory, after, findings).run(first_file);
}

}  // namespace tickstone::storage
