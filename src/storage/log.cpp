// SPDX-License-Identifier: Apache-2.0
#include "storage/log.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "storage/log_format.hpp"

namespace tickstone::storage {

namespace {

/// A file system makes each block of a preallocated file one that holds data when it is first written, and
/// says so in its journal: a second write for the sync to wait for. So small records find zeros written ahead
/// of them, which go to the disk with one sync in hundreds; what follows the end stays zero, as it was.
constexpr std::uint64_t kZeroedAheadBytes = 256U << 10;
constexpr std::uint64_t kLargestSmallRecord = 32U << 10;
constexpr std::array<std::byte, kZeroedAheadBytes> kZeros{};

}  // namespace

Log::Log(FileSystem& files, std::filesystem::path directory, std::uint64_t file_bytes,
         std::uint64_t first_file, std::uint64_t previous_end)
    : files_(files), directory_(std::move(directory)), file_bytes_(file_bytes), end_(previous_end) {
  for (const std::uint64_t number : log_file_numbers(files_, directory_)) {
    if (number >= first_file) break;
    const auto path = directory_ / log_file_name(number);
    sizes_.emplace_back(number, files_.open(path, FileSystem::Mode::Read)->size_bytes());
  }
  start_file(first_file, 0);
  sync();
}

Log::~Log() {
  if (next_ == nullptr) return;
  next_.reset();
  try {
    files_.remove(directory_ / log_file_name(newest_number_ + 1));
  } catch (const Error&) {
    // Boundary: a destructor. An empty file at the end does no harm.
  }
}

void Log::check_usable() const {
  const std::lock_guard lock(mutex_);
  throw_if_failed();
}

void Log::throw_if_failed() const {
  if (has_failed_) {
    throw Error(ErrorCode::IoError, "the log can no longer be written", "An earlier write to the log failed.",
                "Restart the database when the disk is in order; what was committed is kept.");
  }
}

/// Under both mutexes: no sync is under way.
void Log::start_file(std::uint64_t number, std::uint64_t least_bytes) {
  std::uint64_t capacity = std::max(file_bytes_, kLogHeaderBytes + least_bytes);
  if (!dirty_.empty()) {
    // The zeros at a file's end say that the next one goes on. Nothing may be durable there that follows on
    // something lost here.
    try {
      for (const auto& dirty : dirty_) dirty->sync_data();
    } catch (const Error&) {
      has_failed_ = true;
      throw;
    }
    durable_ = {number_, end_};
    dirty_.clear();
    ++sync_count_;
  }
  {
    const std::lock_guard lock(next_mutex_);
    auto next = std::exchange(next_, nullptr);
    has_next_.store(false, std::memory_order_relaxed);
    if (next != nullptr && number == newest_number_ + 1 && capacity == file_bytes_) {
      next->write_at(0, log_file_header(number, end_));
      next->sync_data();
      file_ = std::move(next);
    } else {
      next.reset();
      file_ = make_file_that_fits(number, capacity, kLogHeaderBytes + least_bytes);
    }
    newest_number_ = number;
  }
  number_ = number;
  end_ = kLogHeaderBytes;
  zeroed_ = end_;
  is_marked_ = true;  // the header says where the file before ends
  capacity_ = capacity;
  sizes_.emplace_back(number, capacity);
  dirty_.push_back(file_);
}

/// On a disk that is nearly full a smaller file, so that what frees space (TRUNCATE, DROP, a checkpoint) can
/// still be logged. `capacity` becomes what it has.
std::shared_ptr<File> Log::make_file_that_fits(std::uint64_t number, std::uint64_t& capacity,
                                               std::uint64_t least_bytes) {
  const std::uint64_t smallest = std::max(capacity / 64, least_bytes);
  while (true) {
    try {
      return make_file(number, capacity, end_);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::DiskFull || capacity <= smallest) throw;
      capacity = std::max(capacity / 4, smallest);
    }
  }
}

std::shared_ptr<File> Log::make_file(std::uint64_t number, std::uint64_t capacity,
                                     std::uint64_t previous_end) {
  const auto path = directory_ / log_file_name(number);
  if (files_.exists(path)) files_.remove(path);
  std::shared_ptr<File> file = files_.open(path, FileSystem::Mode::Create);
  try {
    file->allocate(capacity);
    file->write_at(0, log_file_header(number, previous_end));
    file->sync_data();
    files_.sync_directory(directory_);
  } catch (const Error&) {
    file.reset();
    try {
      files_.remove(path);
    } catch (const Error&) {
      // Left over: the next attempt, or opening the store, removes it.
    }
    throw;
  }
  return file;
}

bool Log::wants_next() const {
  if (has_next_.load(std::memory_order_relaxed)) return false;
  const std::lock_guard lock(mutex_);
  return !has_failed_ && end_ * 2 > capacity_;
}

void Log::prepare_next() noexcept {
  try {
    const std::lock_guard lock(next_mutex_);
    if (next_ != nullptr) return;
    next_ = make_file(newest_number_ + 1, file_bytes_, 0);
    has_next_.store(true, std::memory_order_relaxed);
  } catch (const std::exception&) {
    // Boundary: nobody waits for it. Whoever needs the file gets the error, should there still be one.
  }
}

LogPosition Log::append(LogRecordKind kind, std::uint64_t id, std::span<const std::byte> body) {
  if (body.size() > UINT32_MAX - kLogRecordHeaderBytes) {
    throw Error(ErrorCode::ProgramLimitExceeded, "a log record exceeds 4 GB");
  }
  const std::uint64_t size = kLogRecordHeaderBytes + body.size();
  std::unique_lock lock(mutex_);
  throw_if_failed();
  while (end_ + size > capacity_) {
    lock.unlock();
    {
      const std::lock_guard no_sync(sync_mutex_);
      const std::lock_guard again(mutex_);
      throw_if_failed();
      // What is left of a file stays zero and says that the next file goes on.
      if (end_ + size > capacity_) start_file(number_ + 1, size);
    }
    lock.lock();
    throw_if_failed();
  }
  is_marked_ = false;
  return append_here(kind, id, body);
}

/// Under `mutex_`, where there is room.
LogPosition Log::append_here(LogRecordKind kind, std::uint64_t id, std::span<const std::byte> body) {
  const std::uint64_t size = kLogRecordHeaderBytes + body.size();
  buffer_.clear();
  LogRecordHeader header;
  header.kind = kind;
  header.id = id;
  header.durable = durable_;
  put_log_record(buffer_, number_, header, body);
  if (size <= kLargestSmallRecord && end_ + size > zeroed_) {
    const std::uint64_t length = std::min(kZeroedAheadBytes, capacity_ - end_);
    file_->write_at(end_, std::span(kZeros).first(length));
    zeroed_ = end_ + length;
  }
  try {
    file_->write_at(end_, buffer_);
  } catch (const Error&) {
    take_back(end_);
    throw;
  }
  if (buffer_.capacity() > 8U << 20) std::vector<std::byte>().swap(buffer_);
  const LogPosition position{number_, end_};
  end_ += size;
  written_bytes_ += size;
  if (dirty_.empty() || dirty_.back() != file_) dirty_.push_back(file_);
  return position;
}

/// Whatever came through of a record whose write failed must not be read as one.
void Log::take_back(std::uint64_t offset) noexcept {
  try {
    file_->write_at(offset, std::vector<std::byte>(kLogRecordHeaderBytes));
    if (dirty_.empty() || dirty_.back() != file_) dirty_.push_back(file_);
  } catch (const Error&) {
    // Boundary: the caller has an error already.
    has_failed_ = true;
  }
}

void Log::sync() {
  const std::lock_guard one_at_a_time(sync_mutex_);
  std::vector<std::shared_ptr<File>> dirty;
  LogPosition reached;
  {
    const std::lock_guard lock(mutex_);
    throw_if_failed();
    if (dirty_.empty()) return;
    dirty.swap(dirty_);
    reached = {number_, end_};
  }
  try {
    for (const auto& file : dirty) file->sync_data();
  } catch (const Error&) {
    // The kernel may have dropped the pages that it could not write: nothing later may be believed durable.
    const std::lock_guard lock(mutex_);
    has_failed_ = true;
    throw;
  }
  const std::lock_guard lock(mutex_);
  durable_ = std::max(durable_, reached);
  ++sync_count_;
}

void Log::mark_when_idle() {
  {
    const std::lock_guard lock(mutex_);
    const LogPosition here{number_, end_};
    const bool is_idle = std::exchange(idle_at_, here) == here;
    if (has_failed_ || is_marked_ || !is_idle || durable_ < here) return;
    // Where not even a mark has room, the next file's header will say it.
    if (end_ + kLogRecordHeaderBytes > capacity_) return;
    append_here(LogRecordKind::Mark, 0, {});
    written_bytes_ -= kLogRecordHeaderBytes;  // counts what was to be logged
    is_marked_ = true;
  }
  sync();
}

std::uint64_t Log::rotate() {
  const std::lock_guard no_sync(sync_mutex_);
  const std::lock_guard lock(mutex_);
  throw_if_failed();
  if (end_ == kLogHeaderBytes) return number_;
  start_file(number_ + 1, 0);
  return number_;
}

void Log::remove_before(std::uint64_t file) {
  std::vector<std::uint64_t> gone;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [number, size] : sizes_) {
      if (number < file && number != number_) gone.push_back(number);
    }
    std::erase_if(sizes_, [&](const auto& entry) { return entry.first < file && entry.first != number_; });
  }
  for (const std::uint64_t number : gone) files_.remove(directory_ / log_file_name(number));
}

std::uint64_t Log::current_file() const {
  const std::lock_guard lock(mutex_);
  return number_;
}

std::uint64_t Log::bytes() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t total = 0;
  for (const auto& [number, size] : sizes_) total += number == number_ ? end_ : size;
  return total;
}

std::uint64_t Log::written_bytes() const {
  const std::lock_guard lock(mutex_);
  return written_bytes_;
}

std::uint64_t Log::sync_count() const {
  const std::lock_guard lock(mutex_);
  return sync_count_;
}

bool Log::has_unsynced() const {
  const std::lock_guard lock(mutex_);
  return !dirty_.empty() && !has_failed_;
}

void Log::fail() {
  const std::lock_guard lock(mutex_);
  has_failed_ = true;
}

bool Log::has_failed() const {
  const std::lock_guard lock(mutex_);
  return has_failed_;
}

namespace {

[[noreturn]] void throw_damaged(const std::filesystem::path& path, std::uint64_t offset,
                                const std::string& detail) {
  throw Error(ErrorCode::DataCorrupted,
              fmt::format("log file \"{}\" is damaged at offset {}", path.string(), offset), detail);
}

void read_whole(const File& file, std::vector<std::byte>& bytes) {
  bytes.resize(file.size_bytes());
  bytes.resize(file.read_at(0, bytes));
}

bool is_zero(std::span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte value) { return value == std::byte{0}; });
}

/// How far any whole record after `offset` says that the log was durable.
LogPosition durable_after(std::span<const std::byte> bytes, std::uint64_t offset, std::uint64_t file) {
  LogPosition durable;
  for (std::uint64_t at = offset; at + kLogRecordHeaderBytes <= bytes.size();) {
    const auto rest = bytes.subspan(at);
    const auto header = get_log_record_header(rest, file);
    if (header && is_log_record_whole(rest, *header, file)) {
      durable = std::max(durable, header->durable);
      at += kLogRecordHeaderBytes + header->body_bytes;
    } else {
      ++at;
    }
  }
  return durable;
}

/// Where the file before ended, by the header of log file `number`; 0 where it does not say.
std::uint64_t end_by_next(FileSystem& files, const std::filesystem::path& directory, std::uint64_t number) {
  const auto file = files.open(directory / log_file_name(number), FileSystem::Mode::Read);
  std::vector<std::byte> header(kLogHeaderBytes);
  header.resize(file->read_at(0, header));
  return is_log_file_header(header, number) ? previous_log_end(header) : 0;
}

/// Makes what was read of a file durable. It may never have been: a process that was killed leaves what it
/// had not synced yet, and after a sync that failed the kernel takes its pages for clean. So what is not
/// known to be durable is written again.
void make_durable(File& file, std::span<const std::byte> bytes, std::uint64_t durable_end) {
  if (durable_end < bytes.size()) file.write_at(durable_end, bytes.subspan(durable_end));
  file.sync_data();
}

}  // namespace

std::vector<std::uint64_t> log_file_numbers(FileSystem& files, const std::filesystem::path& directory,
                                            std::uint64_t first) {
  std::vector<std::uint64_t> numbers;
  for (const auto& name : files.list(directory)) {
    std::uint64_t number = 0;
    if (std::sscanf(name.c_str(), "%lu.log", &number) == 1 && name == log_file_name(number) &&
        number >= first) {
      numbers.push_back(number);
    }
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

LogPosition replay_log(FileSystem& files, const std::filesystem::path& directory, std::uint64_t first_file,
                       bool must_exist, bool read_only, const std::function<void(const LogRecord&)>& visit,
                       const std::function<void()>& settle) {
  const auto numbers = log_file_numbers(files, directory, first_file);
  LogPosition last{first_file - 1, 0};
  if (must_exist && (numbers.empty() || numbers.front() != first_file)) {
    throw_damaged(directory / log_file_name(first_file), 0, "The file is missing.");
  }
  std::vector<std::byte> bytes;
  LogRecord record;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const std::uint64_t number = numbers[i];
    const auto path = directory / log_file_name(number);
    auto file = files.open(path, read_only ? FileSystem::Mode::Read : FileSystem::Mode::ReadWrite);
    read_whole(*file, bytes);
    std::uint64_t at = 0;
    std::uint64_t durable_end = 0;
    if (is_log_file_header(bytes, number)) {
      at = kLogHeaderBytes;
      for (;;) {
        const auto rest = std::span(bytes).subspan(at);
        const auto header = get_log_record_header(rest, number);
        if (!header || !is_log_record_whole(rest, *header, number)) break;
        record.kind = header->kind;
        record.id = header->id;
        record.position = {number, at};
        if (header->durable.file == number) durable_end = std::max(durable_end, header->durable.offset);
        const auto body = rest.subspan(kLogRecordHeaderBytes, header->body_bytes);
        record.body.assign(body.begin(), body.end());
        visit(record);
        at += kLogRecordHeaderBytes + header->body_bytes;
      }
    }
    if (settle) settle();
    const LogPosition before = last;
    last = {number, at};
    if (at >= kLogHeaderBytes && is_zero(std::span(bytes).subspan(at))) {
      const bool has_next = i + 1 < numbers.size();
      if (has_next && numbers[i + 1] != number + 1) {
        throw_damaged(directory / log_file_name(number + 1), 0, "The file is missing; later ones are there.");
      }
      if (has_next) {
        const std::uint64_t end = end_by_next(files, directory, number + 1);
        if (end > at) throw_damaged(path, at, "The next file says that records follow.");
      }
      if (!read_only) make_durable(*file, std::span(bytes).first(at), durable_end);
      continue;
    }
    // Something else than records. It may be what a crash left of the last writes, unless a later record
    // proves that it was durable.
    LogPosition durable = durable_after(bytes, at, number);
    if (i + 1 < numbers.size() && numbers[i + 1] == number + 1) {
      durable = std::max(durable, {number, end_by_next(files, directory, number + 1)});
    }
    for (std::size_t later = i + 1; later < numbers.size(); ++later) {
      const auto later_path = directory / log_file_name(numbers[later]);
      std::vector<std::byte> later_bytes;
      read_whole(*files.open(later_path, FileSystem::Mode::Read), later_bytes);
      durable = std::max(durable, durable_after(later_bytes, 0, numbers[later]));
    }
    if (durable > LogPosition{number, at}) {
      throw_damaged(path, at, "What was written later says that records were durable here.");
    }
    if (!read_only) {
      for (std::size_t later = numbers.size(); later-- > i + 1;)
        files.remove(directory / log_file_name(numbers[later]));
      if (at < kLogHeaderBytes) {
        file->write_at(0, log_file_header(number, before.offset));
        at = durable_end = kLogHeaderBytes;
        last.offset = at;
      }
      file->truncate(at);
      make_durable(*file, std::span(bytes).first(std::min<std::size_t>(at, bytes.size())), durable_end);
      files.sync_directory(directory);
    }
    break;
  }
  return last;
}

LogRecord read_log_record(FileSystem& files, const std::filesystem::path& directory, LogPosition position) {
  const auto path = directory / log_file_name(position.file);
  const auto file = files.open(path, FileSystem::Mode::Read);
  std::vector<std::byte> bytes(kLogRecordHeaderBytes);
  bytes.resize(file->read_at(position.offset, bytes));
  const auto header = get_log_record_header(bytes, position.file);
  if (!header) throw_damaged(path, position.offset, "No record starts here.");
  bytes.resize(kLogRecordHeaderBytes + header->body_bytes);
  bytes.resize(file->read_at(position.offset, bytes));
  if (!is_log_record_whole(bytes, *header, position.file))
    throw_damaged(path, position.offset, "The checksum does not match.");
  LogRecord record;
  record.kind = header->kind;
  record.id = header->id;
  record.position = position;
  record.body.assign(bytes.begin() + kLogRecordHeaderBytes, bytes.end());
  return record;
}

}  // namespace tickstone::storage
