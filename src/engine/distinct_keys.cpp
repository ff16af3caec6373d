// SPDX-License-Identifier: Apache-2.0
#include "engine/distinct_keys.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <queue>

#include <fcntl.h>
#include <unistd.h>

#include <tickstone/error.hpp>

#include "base/checksum.hpp"
#include "engine/row_keys.hpp"

namespace tickstone::engine {
namespace {

constexpr std::size_t kLeastSlots = 64;
constexpr std::size_t kReadKeys = 2048;

[[noreturn]] void throw_file(const char* what) {
  const int code = errno;
  throw Error(code == ENOSPC || code == EDQUOT ? ErrorCode::DiskFull : ErrorCode::IoError,
              std::string("could not ") + what + " temporary file: " + std::strerror(code));
}

}  // namespace

/// One run, from its least key to its greatest.
class DistinctKeys::RunReader {
 public:
  RunReader(int file, Run run) : file_(file), run_(run) {}

  /// False at the end.
  bool next() {
    if (at_ + 1 < buffer_.size()) {
      ++at_;
      return true;
    }
    if (run_.count == 0) return false;
    buffer_.resize(std::min<std::uint64_t>(run_.count, kReadKeys));
    auto* into = reinterpret_cast<char*>(buffer_.data());
    const std::size_t bytes = buffer_.size() * sizeof(Key);
    for (std::size_t done = 0; done < bytes;) {
      const auto got =
          ::pread(file_, into + done, bytes - done, static_cast<off_t>(run_.first * sizeof(Key) + done));
      if (got < 0 && errno == EINTR) continue;
      if (got == 0) errno = EIO;
      if (got <= 0) throw_file("read");
      done += static_cast<std::size_t>(got);
    }
    run_.first += buffer_.size();
    run_.count -= buffer_.size();
    at_ = 0;
    return true;
  }
  const Key& key() const { return buffer_[at_]; }

 private:
  int file_;
  Run run_;
  std::vector<Key> buffer_;
  std::size_t at_ = 0;
};

DistinctKeys::~DistinctKeys() {
  if (file_ >= 0) ::close(file_);
}

bool DistinctKeys::insert(std::span<const ColumnView> columns, std::size_t row) {
  bytes_.clear();
  append_key_bytes(bytes_, columns, row);
  const auto bytes = std::as_bytes(std::span(bytes_));
  Key key{checksum64(bytes), checksum64(bytes, 1)};
  if (key.is_empty()) key.high = 1;
  if (4 * (taken_ + 1) > 3 * slots_.size()) grow();
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = key.low & mask;
  for (; !slots_[at].is_empty(); at = (at + 1) & mask) {
    if (slots_[at] == key) return false;
  }
  slots_[at] = key;
  ++taken_;
  return true;
}

void DistinctKeys::grow() {
  const std::size_t wanted = std::max(kLeastSlots, 2 * slots_.size());
  if (wanted > kLeastSlots && wanted * sizeof(Key) > limits_.memory_bytes && !limits_.directory.empty()) {
    write_run();
    slots_.assign(slots_.size(), {});
    taken_ = 0;
    return;
  }
  std::vector<Key> larger(wanted);
  const std::size_t mask = wanted - 1;
  for (const Key& key : slots_) {
    if (key.is_empty()) continue;
    std::size_t at = key.low & mask;
    while (!larger[at].is_empty()) at = (at + 1) & mask;
    larger[at] = key;
  }
  slots_ = std::move(larger);
}

/// Moves the keys in memory to the front of `slots_`, sorted, and from there to the file.
void DistinctKeys::write_run() {
  const auto end =
      std::remove_if(slots_.begin(), slots_.end(), [](const Key& key) { return key.is_empty(); });
  std::sort(slots_.begin(), end);
  const std::size_t bytes = taken_ * sizeof(Key);
  if (written_ * sizeof(Key) + bytes > limits_.file_bytes) {
    throw Error(ErrorCode::ConfigurationLimitExceeded, "temporary file size exceeds temp_file_limit (" +
                                                           std::to_string(limits_.file_bytes >> 10) + "kB)");
  }
  if (file_ < 0) {
    std::string name = limits_.directory + "/keys_XXXXXX";
    file_ = ::mkostemp(name.data(), O_CLOEXEC);
    if (file_ < 0) throw_file("create");
    ::unlink(name.c_str());
  }
  const auto* from = reinterpret_cast<const char*>(slots_.data());
  for (std::size_t done = 0; done < bytes;) {
    const auto put =
        ::pwrite(file_, from + done, bytes - done, static_cast<off_t>(written_ * sizeof(Key) + done));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) throw_file("write to");
    done += static_cast<std::size_t>(put);
  }
  runs_.push_back({written_, taken_});
  written_ += taken_;
}

bool DistinctKeys::are_distinct() {
  if (runs_.empty()) return true;  // `insert` has compared them all
  if (taken_ > 0) write_run();
  slots_.clear();
  taken_ = 0;
  std::vector<RunReader> readers;
  readers.reserve(runs_.size());
  const auto is_later = [&](std::size_t a, std::size_t b) { return readers[a].key() > readers[b].key(); };
  std::priority_queue<std::size_t, std::vector<std::size_t>, decltype(is_later)> next(is_later);
  for (const Run& run : runs_) {
    readers.emplace_back(file_, run);
    if (readers.back().next()) next.push(readers.size() - 1);
  }
  Key last;
  while (!next.empty()) {
    const std::size_t reader = next.top();
    next.pop();
    const Key key = readers[reader].key();
    if (key == last) return false;
    last = key;
    if (readers[reader].next()) next.push(reader);
  }
  return true;
}

}  // namespace tickstone::engine
