// SPDX-License-Identifier: Apache-2.0
// A store whose files are damaged says so and names the file, or answers as before.
#include <random>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "storage/log.hpp"
#include "storage/log_format.hpp"
#include "storage/test/fault_scenario.hpp"

namespace tickstone::storage {
namespace {

using namespace testing_store;
using Bytes = PowerLossFileSystem::Bytes;

/// A store as a crash leaves it: segments with ended rows, several log files, a manifest. Nobody had written
/// for a while: a mark says how far the log was durable.
class StoreDamage : public ::testing::Test {
 protected:
  void SetUp() override {
    PowerLossFileSystem files;
    auto options = fault_options(files);
    auto store = Store::open(kFaultPath, options);
    const auto steps = fault_steps();
    contents_.push_back({});
    for (std::size_t i = 0; i < steps.size(); ++i) {
      contents_.push_back(contents_.back());
      steps[i].run(*store, contents_.back());
    }
    do {
      std::this_thread::yield();
      original_ = files.copy();
      find_records();
    } while (last_kind_ != LogRecordKind::Mark);
    store.reset();
    for (const auto& path : original_->paths()) {
      const auto name = path.filename().string();
      kinds_.insert(path.extension().empty() ? name : path.extension().string());
    }
    ASSERT_THAT(kinds_, ::testing::IsSupersetOf({".log", ".seg", "MANIFEST"}));
    ASSERT_EQ(read(*original_->copy()).tables, contents_.back().tables);
    ASSERT_GE(records_.size(), 3U);
  }

  /// Where the last record of the log starts, and all before it.
  void find_records() {
    for (const auto& path : original_->paths()) {
      if (path.extension() == ".log") last_log_ = path;  // names ascend
    }
    records_.clear();
    last_kind_ = {};
    const auto& log = original_->bytes_of(last_log_);
    const std::uint64_t number = std::stoull(last_log_.stem().string());
    for (std::uint64_t at = kLogHeaderBytes;;) {
      const auto rest = std::span(log).subspan(at);
      const auto header = get_log_record_header(rest, number);
      if (!header || !is_log_record_whole(rest, *header, number)) break;
      records_.push_back(at);
      last_kind_ = header->kind;
      at += kLogRecordHeaderBytes + header->body_bytes;
    }
  }

  static Contents read(PowerLossFileSystem& files) {
    return read_contents(*Store::open(kFaultPath, fault_options(files)));
  }

  /// Checks what a store makes of a file that was changed from byte `first` on.
  void check(const std::filesystem::path& path, Bytes bytes, std::uint64_t first, const std::string& what) {
    const auto files = original_->copy();
    files->bytes_of(path) = std::move(bytes);
    try {
      const Contents found = read(*files);
      ASSERT_EQ(found.tables, contents_.back().tables) << what << " of " << path << " gives other rows";
    } catch (const Error& error) {
      const bool is_version = error.code() == ErrorCode::FeatureNotSupported && first >= 8 && first < 12;
      ASSERT_TRUE(error.code() == ErrorCode::DataCorrupted || is_version)
          << what << " of " << path << ": " << error.what();
      if (is_version) return;
      // The manifest's word on a file may be what is wrong; then the file that it names is.
      ASSERT_THAT(error.message(), ::testing::HasSubstr(path.filename().string()))
          << what << " of " << path << ": " << error.detail();
      ASSERT_THAT(error.message(), ::testing::HasSubstr("offset")) << what << " of " << path;
    }
  }

  std::unique_ptr<PowerLossFileSystem> original_;
  std::vector<Contents> contents_;  // after each step
  std::filesystem::path last_log_;
  std::vector<std::uint64_t> records_;  // where those of the last log file start
  LogRecordKind last_kind_ = {};
  std::set<std::string> kinds_;
};

TEST_F(StoreDamage, AFlippedBitIsNamedOrDoesNothing) {
  std::mt19937_64 random(11);
  for (const auto& path : original_->paths()) {
    const Bytes& bytes = original_->bytes_of(path);
    // What is not written yet of the log is zero: a few positions there are enough.
    const std::uint64_t end =
        path == last_log_ ? std::min<std::uint64_t>(bytes.size(), records_.back() + 600) : bytes.size();
    for (std::uint64_t at = random() % stride(5); at < end; at += 1 + random() % (2 * stride(5) - 1)) {
      for (int bit = 0; bit < 8; ++bit) {
        if (stride(5) != 1 && random() % 4 != 0) continue;
        Bytes damaged = bytes;
        damaged[at] ^= static_cast<std::byte>(1 << bit);
        check(path, std::move(damaged), at, "bit " + std::to_string(bit) + " of byte " + std::to_string(at));
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST_F(StoreDamage, ACutFileIsNamedOrDoesNothing) {
  for (const auto& path : original_->paths()) {
    const Bytes& bytes = original_->bytes_of(path);
    const std::uint64_t end =
        path == last_log_ ? std::min<std::uint64_t>(bytes.size(), records_.back() + 600) : bytes.size();
    for (std::uint64_t size = 0; size < end; size += stride(7)) {
      // Cut before the mark, a log looks as if nothing had been written from there on.
      if (path == last_log_ && size < records_.back()) continue;
      Bytes damaged = bytes;
      damaged.resize(size);
      check(path, std::move(damaged), size, "length " + std::to_string(size));
      if (HasFatalFailure()) return;
    }
  }
}

TEST_F(StoreDamage, APageOfZerosIsNamedOrDoesNothing) {
  for (const std::size_t page : {512U, 4096U}) {
    for (const auto& path : original_->paths()) {
      const Bytes& bytes = original_->bytes_of(path);
      for (std::uint64_t begin = 0; begin < bytes.size(); begin += page) {
        const auto end = std::min<std::uint64_t>(begin + page, bytes.size());
        // As above: zero to its end a log looks like a shorter one.
        if (path == last_log_ && begin < records_.back() && end > records_.back()) continue;
        Bytes damaged = bytes;
        std::fill(damaged.begin() + static_cast<std::ptrdiff_t>(begin),
                  damaged.begin() + static_cast<std::ptrdiff_t>(end), std::byte{0});
        check(path, std::move(damaged), begin, "page of zeros at " + std::to_string(begin));
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST_F(StoreDamage, AMissingFileIsNamed) {
  // A segment that a merge has replaced may still be there: opening removes it, and nobody misses it.
  const auto opened = original_->copy();
  auto options = fault_options(*opened);
  options.background_compaction = false;
  const auto store = Store::open(kFaultPath, options);
  for (const auto& path : original_->paths()) {
    if (path.extension() == ".seg" && !opened->exists(path)) continue;
    const auto files = original_->copy();
    files->remove(path);
    if (path == last_log_) continue;  // as if it had never been written
    try {
      const Contents found = read(*files);
      FAIL() << path << " is not missed";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::DataCorrupted) << error.what();
      EXPECT_THAT(error.message(), ::testing::HasSubstr(path.filename().string()));
    }
  }
}

}  // namespace
}  // namespace tickstone::storage
