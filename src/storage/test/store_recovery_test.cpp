// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "base/checksum.hpp"
#include "storage/commit_record.hpp"
#include "storage/log.hpp"
#include "storage/log_format.hpp"
#include "storage/manifest.hpp"
#include "storage/schema_codec.hpp"
#include "storage/test/power_loss_file_system.hpp"
#include "storage/test/store_fixture.hpp"
#include "storage/verify.hpp"

namespace tickstone::storage {
namespace {

using namespace testing_store;
using ::testing::HasSubstr;

class StoreRecovery : public StoreFixture {
 protected:
  StoreRecovery() {
    files = std::make_unique<PowerLossFileSystem>();
    options.files = files.get();
    options.log_file_bytes = 8192;
    path = "/store";
  }
  ~StoreRecovery() override { store.reset(); }

  std::filesystem::path log_path(std::uint64_t number) const { return path / "log" / log_file_name(number); }

  /// The rows that a store on `survivors` finds.
  Rows rows_on(PowerLossFileSystem& survivors) {
    StoreOptions other = options;
    other.files = &survivors;
    const auto opened = Store::open(path, other);
    return scan_rows(*opened->read_view(), kTrades);
  }

  std::unique_ptr<PowerLossFileSystem> files;
};

/// The records in a log file, by the format alone: kind and end.
std::vector<std::pair<LogRecordKind, std::uint64_t>> records_in(const PowerLossFileSystem::Bytes& bytes,
                                                                std::uint64_t number) {
  std::vector<std::pair<LogRecordKind, std::uint64_t>> records;
  std::uint64_t at = kLogHeaderBytes;
  for (;;) {
    const auto rest = std::span(bytes).subspan(at);
    const auto header = get_log_record_header(rest, number);
    if (!header || !is_log_record_whole(rest, *header, number)) return records;
    at += kLogRecordHeaderBytes + header->body_bytes;
    records.emplace_back(header->kind, at);
  }
}

/// Ends of all but marks, which come when nobody writes for a moment.
std::vector<std::uint64_t> record_ends(const PowerLossFileSystem::Bytes& bytes, std::uint64_t number) {
  std::vector<std::uint64_t> ends;
  for (const auto& [kind, end] : records_in(bytes, number)) {
    if (kind != LogRecordKind::Mark) ends.push_back(end);
  }
  return ends;
}

TEST_F(StoreRecovery, LogCutAnywhereGivesAPrefixOfCommits) {
  open();
  create(trades(kTrades));
  std::vector<Rows> after = {{}};
  for (int i = 0; i < 6; ++i) {
    if (i == 3) {
      auto transaction = store->begin();
      transaction->erase(kTrades, keys({{"A", 1, 0, ""}}));
      transaction->commit();
      after.push_back(rows_of(kTrades));
    }
    insert(kTrades, {{"A", i, 0, std::to_string(i)}, {"B", 7 - i, 1, "2.5"}}, OnDuplicate::Replace);
    after.push_back(rows_of(kTrades));
  }
  const auto snapshot = files->copy();
  const auto ends = record_ends(snapshot->bytes_of(log_path(1)), 1);
  ASSERT_EQ(ends.size(), after.size());  // the first made the table
  for (std::uint64_t cut = ends.front(); cut <= ends.back(); ++cut) {
    for (const bool is_zeroed : {false, true}) {
      const auto survivors = snapshot->copy();
      auto& bytes = survivors->bytes_of(log_path(1));
      if (is_zeroed) {
        std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(cut), bytes.end(), std::byte{0});
      } else {
        bytes.resize(cut);
      }
      // A record whose last bytes are zero is whole without them.
      const auto& before = snapshot->bytes_of(log_path(1));
      std::size_t whole = 0;
      while (whole < ends.size() && ends[whole] <= bytes.size() &&
             std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(ends[whole]),
                        before.begin())) {
        ++whole;
      }
      ASSERT_EQ(rows_on(*survivors), after[whole - 1]) << cut;
      // What was opened once goes on: the cut was made good.
      ASSERT_EQ(rows_on(*survivors), after[whole - 1]) << cut;
    }
  }
}

TEST_F(StoreRecovery, DamageBeforeTheEndIsNamed) {
  open();
  create(trades(kTrades));
  for (int i = 0; i < 3; ++i) insert(kTrades, {{"A", i, 0, "1"}});
  const auto snapshot = files->copy();
  const auto ends = record_ends(snapshot->bytes_of(log_path(1)), 1);
  ASSERT_EQ(ends.size(), 4U);
  for (std::uint64_t at = 0; at < ends[2]; ++at) {
    const auto survivors = snapshot->copy();
    survivors->bytes_of(log_path(1))[at] ^= std::byte{0x10};
    try {
      rows_on(*survivors);
      FAIL() << "byte " << at << " was not missed";
    } catch (const Error& error) {
      if (at >= 8 && at < 12) continue;  // the version: another error is as good
      ASSERT_EQ(error.code(), ErrorCode::DataCorrupted) << at << " " << error.what();
      ASSERT_THAT(error.message(), HasSubstr("/store/log/0000000001.log")) << at;
      ASSERT_THAT(error.message(), HasSubstr("at offset")) << at;
    }
  }
}

TEST_F(StoreRecovery, DamageToTheLastRecordIsNamedOnceTheStoreWasOpenedAgain) {
  open();
  create(trades(kTrades));
  for (int i = 0; i < 3; ++i) insert(kTrades, {{"A", i, 0, "1"}});
  // Killed; opened again and killed before anything was written: the header of the new file is all that says
  // that the last record was there.
  const auto killed = files->copy();
  StoreOptions other = options;
  other.files = killed.get();
  auto reopened = Store::open(path, other);
  const auto snapshot = killed->copy();
  reopened.reset();
  const auto ends = record_ends(snapshot->bytes_of(log_path(1)), 1);
  ASSERT_EQ(ends.size(), 4U);
  ASSERT_TRUE(record_ends(snapshot->bytes_of(log_path(2)), 2).empty());
  for (std::uint64_t at = ends[2]; at < ends[3]; ++at) {
    const auto survivors = snapshot->copy();
    survivors->bytes_of(log_path(1))[at] ^= std::byte{0x10};
    VerifyOptions check;
    check.files = survivors.get();
    ASSERT_TRUE(verify_directory(path, check).has_damage()) << at;
    try {
      rows_on(*survivors);
      FAIL() << "byte " << at << " was not missed";
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), ErrorCode::DataCorrupted) << at << " " << error.what();
      ASSERT_THAT(error.message(), HasSubstr("/store/log/0000000001.log\" is damaged at offset"));
    }
  }
}

TEST_F(StoreRecovery, AnIdleLogIsMarkedOnce) {
  open();
  create(trades(kTrades));
  insert(kTrades, {{"A", 1, 0, "1"}});
  const auto kinds = [&] {
    const auto snapshot = files->copy();
    std::vector<LogRecordKind> found;
    for (const auto& [kind, end] : records_in(snapshot->bytes_of(log_path(1)), 1)) found.push_back(kind);
    return found;
  };
  while (kinds().back() != LogRecordKind::Mark) std::this_thread::yield();
  const auto marked = kinds();
  // Idle for longer it stays as it is: the mark is durable once the sync after it is through, and no second
  // one comes.
  const auto syncs = store->statistics().log_syncs;
  insert(kTrades, {{"A", 2, 0, "1"}});
  EXPECT_GT(store->statistics().log_syncs, syncs);
  while (kinds().back() != LogRecordKind::Mark) std::this_thread::yield();
  const auto again = kinds();
  ASSERT_EQ(again.size(), marked.size() + 2);
  EXPECT_EQ(again[marked.size()], LogRecordKind::TimedCommit);
  const auto survivors = files->after_power_loss([](std::uint64_t) { return 0; });
  EXPECT_EQ(rows_on(*survivors), (Rows{{"A", 1, 0, "1"}, {"A", 2, 0, "1"}}));
}

TEST_F(StoreRecovery, LogFilesOfOlderVersionsAreRead) {
  open();
  create(trades(kTrades));
  for (int i = 0; i < 3; ++i) insert(kTrades, {{"A", i, 0, "1"}});
  const Rows expected = rows_of(kTrades);
  for (const std::uint32_t version : {1U, 2U}) {
    const auto older = files->copy();
    auto& bytes = older->bytes_of(log_path(1));
    std::memcpy(bytes.data() + 8, &version, sizeof(version));
    const std::uint64_t checksum = checksum64(std::span(bytes).first(24), 1);
    std::memcpy(bytes.data() + 24, &checksum, sizeof(checksum));
    EXPECT_EQ(rows_on(*older), expected) << version;
  }
}

TEST_F(StoreRecovery, MissingFilesAreNamed) {
  open();
  create(trades(kTrades));
  insert(kTrades, {{"A", 1, 0, "1"}});
  store->checkpoint();
  insert(kTrades, {{"A", 2, 0, "1"}});
  const auto snapshot = files->copy();
  for (const char* folder : {"log", "segments"}) {
    for (const auto& name : snapshot->list(path / folder)) {
      const auto survivors = snapshot->copy();
      survivors->remove(path / folder / name);
      try {
        rows_on(*survivors);
        FAIL() << name;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::DataCorrupted);
        EXPECT_THAT(error.message(), HasSubstr(name));
      }
    }
  }
  const auto survivors = snapshot->copy();
  survivors->remove(path / "MANIFEST");
  EXPECT_THROW(rows_on(*survivors), Error);
}

TEST_F(StoreRecovery, EveryByteOfTheManifestIsChecked) {
  open();
  create(trades(kTrades));
  insert(kTrades, {{"A", 1, 0, "1"}});
  store->checkpoint();
  const auto snapshot = files->copy();
  const std::size_t size = snapshot->bytes_of(path / "MANIFEST").size();
  for (std::size_t at = 0; at < size; ++at) {
    const auto survivors = snapshot->copy();
    survivors->bytes_of(path / "MANIFEST")[at] ^= std::byte{0x40};
    try {
      rows_on(*survivors);
      FAIL() << at;
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), ErrorCode::DataCorrupted) << at;
    }
  }
}

/// A manifest as an older version had it: in the first segments have no levels, in the second neither do
/// chunks say what they are called and when they were made.
std::vector<std::byte> older_manifest(const Manifest& manifest, std::uint32_t version) {
  ByteWriter body;
  body.put(manifest.seq);
  body.put(manifest.first_log_file);
  body.put(manifest.next_segment);
  body.put(manifest.next_chunk);
  body.put(static_cast<std::uint32_t>(manifest.sequences.size()));
  for (const auto& sequence : manifest.sequences) put_sequence(sequence, body);
  body.put(static_cast<std::uint32_t>(manifest.tables.size()));
  for (const auto& table : manifest.tables) {
    put_schema(table.schema, body);
    put_layout(table.layout, body);
    body.put(std::uint32_t{0});  // defaults
    body.put(table.next_row_id);
    body.put(static_cast<std::uint32_t>(table.chunks.size()));
    for (const auto& chunk : table.chunks) {
      body.put(chunk.number);
      body.put(chunk.range.start);
      body.put(chunk.range.end);
      body.put(static_cast<std::uint32_t>(chunk.segments.size()));
      for (const auto& segment : chunk.segments) {
        body.put(segment.number);
        body.put(segment.newest);
        if (version >= 2) body.put(segment.level);
        body.put(segment.row_count);
        body.put(segment.size_bytes);
        put_list(segment.ended_rows, body);
      }
    }
  }
  ByteWriter out;
  out.put_raw("TICKMAN1", 8);
  out.put(version);
  out.put(std::uint32_t{0});
  out.put(static_cast<std::uint64_t>(body.size()));
  out.put(checksum64(body.bytes(), checksum64(out.bytes())));
  out.put_bytes(body.bytes());
  return out.take();
}

TEST_F(StoreRecovery, OlderFormatIsOpenedAndWrittenAnew) {
  open();
  create(trades(kTrades));
  insert(kTrades, {{"A", 1, 0, "1"}, {"A", 1500, 0, "2"}});
  store->checkpoint();
  insert(kTrades, {{"A", 2, 0, "3"}});
  const Rows expected = rows_of(kTrades);
  for (const std::uint32_t version : {1U, 2U}) {
    const auto older = files->copy();
    older->bytes_of(path / "MANIFEST") = older_manifest(*read_manifest(*older, path), version);
    ASSERT_EQ(older->bytes_of(path / "MANIFEST")[8], std::byte(version));
    EXPECT_EQ(rows_on(*older), expected);
    EXPECT_EQ(older->bytes_of(path / "MANIFEST")[8], std::byte{3});
    EXPECT_EQ(rows_on(*older), expected);
    StoreOptions read = options;
    read.files = older.get();
    std::vector<std::uint32_t> numbers;
    for (const auto& chunk : Store::open(path, read)->read_view()->chunks(kTrades)) {
      numbers.push_back(chunk.number);
      EXPECT_GT(chunk.created_us, 1'600'000'000'000'000);  // when it was opened
    }
    EXPECT_EQ(numbers, (std::vector<std::uint32_t>{1, 2}));
  }
}

TEST_F(StoreRecovery, NewerFormatIsRefused) {
  open();
  create(trades(kTrades));
  const auto survivors = files->copy();
  auto& bytes = survivors->bytes_of(path / "MANIFEST");
  bytes[8] = std::byte{200};
  const std::uint64_t checksum =
      checksum64(std::span(bytes).subspan(32), checksum64(std::span(bytes).first(24)));
  std::memcpy(bytes.data() + 24, &checksum, sizeof(checksum));
  try {
    rows_on(*survivors);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::FeatureNotSupported);
    EXPECT_THAT(error.message(), HasSubstr("format version 200"));
  }
}

TEST_F(StoreRecovery, RowsOfUnfinishedTransactionsAreNotThere) {
  options.early_log_bytes = 100;
  open();
  create(trades(kTrades));
  auto finished = store->begin();
  auto unfinished = store->begin();
  auto rolled_back = store->begin();
  Rows expected;
  for (int i = 0; i < 30; ++i) {
    const Row row = {"A", i, 0, "1"};
    finished->insert(kTrades, batch({row}), OnDuplicate::Fail);
    if (i % 3 != 0) expected.push_back(row);
    unfinished->insert(kTrades, batch({{"B", i, 0, "1"}}), OnDuplicate::Fail);
    rolled_back->insert(kTrades, batch({{"C", i, 0, "1"}}), OnDuplicate::Fail);
    if (i % 10 == 5) store->checkpoint();
  }
  Rows erased;
  for (int i = 0; i < 30; i += 3) erased.push_back({"A", i, 0, ""});
  EXPECT_EQ(finished->erase(kTrades, keys(erased)), erased.size());
  rolled_back->rollback();
  finished->commit();
  EXPECT_EQ(rows_of(kTrades), expected);
  const auto survivors = files->after_power_loss([](std::uint64_t n) { return n - 1; });
  EXPECT_EQ(rows_on(*survivors), expected);
  EXPECT_EQ(rows_on(*survivors), expected);
}

TEST_F(StoreRecovery, FullDiskRefusesTheTransactionAloneAndLosesNothing) {
  open();
  create(trades(kTrades));
  insert(kTrades, {{"A", 1, 0, "1"}});
  std::atomic<bool> is_full = true;
  files->set_hook([&](PowerLossFileSystem::Call call, const std::filesystem::path&) {
    if (is_full &&
        (call == PowerLossFileSystem::Call::Allocate || call == PowerLossFileSystem::Call::Create)) {
      throw Error(ErrorCode::DiskFull, "could not extend file: No space left on device");
    }
  });
  Rows many;
  for (int i = 0; i < 1000; ++i) many.push_back({"B", i, 0, "1"});
  EXPECT_THROW(
      {
        try {
          insert(kTrades, many);
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), ErrorCode::DiskFull);
          throw;
        }
      },
      Error);
  // There is still room for a small one in the file that is open.
  insert(kTrades, {{"A", 2, 0, "1"}});
  const Rows expected = {{"A", 1, 0, "1"}, {"A", 2, 0, "1"}};
  EXPECT_EQ(rows_of(kTrades), expected);
  EXPECT_THROW(store->checkpoint(), Error);
  EXPECT_EQ(rows_of(kTrades), expected);
  is_full = false;
  insert(kTrades, many);
  store->checkpoint();
  EXPECT_EQ(rows_of(kTrades).size(), 1002U);
  const auto survivors = files->after_power_loss([](std::uint64_t) { return 0; });
  EXPECT_EQ(rows_on(*survivors).size(), 1002U);
  store.reset();  // before what the hook looks at
}

TEST_F(StoreRecovery, ANearlyFullDiskTakesSmallerLogFiles) {
  open();
  create(trades(kTrades));
  // A whole log file does not fit, a quarter of one does.
  struct Tries {
    std::mutex mutex;
    std::map<std::filesystem::path, int> of;
    int refused = 0;
  };
  // Threads of the store may still ask when this test is over.
  const auto tries = std::make_shared<Tries>();
  files->set_hook([tries](PowerLossFileSystem::Call call, const std::filesystem::path& file) {
    if (call != PowerLossFileSystem::Call::Allocate || file.extension() != ".log") return;
    const std::lock_guard lock(tries->mutex);
    if (tries->of[file]++ % 2 == 1) return;
    ++tries->refused;
    throw Error(ErrorCode::DiskFull, "could not extend file: No space left on device");
  });
  Rows expected;
  for (int i = 0; i < 2000; i += 20) {
    Rows rows;
    for (int j = i; j < i + 20; ++j) rows.push_back({"A", j, 0, "1"});
    insert(kTrades, rows);
    expected.insert(expected.end(), rows.begin(), rows.end());
  }
  {
    const std::lock_guard lock(tries->mutex);
    EXPECT_GT(tries->refused, 1);
  }
  EXPECT_EQ(rows_of(kTrades), expected);
  const auto survivors = files->after_power_loss([](std::uint64_t) { return 0; });
  EXPECT_EQ(rows_on(*survivors), expected);
}

TEST_F(StoreRecovery, NothingIsAcknowledgedAfterAFailedSync) {
  open();
  create(trades(kTrades));
  insert(kTrades, {{"A", 1, 0, "1"}});
  std::atomic<bool> fails = true;
  files->set_hook([&](PowerLossFileSystem::Call call, const std::filesystem::path&) {
    if (fails && call == PowerLossFileSystem::Call::Sync)
      throw Error(ErrorCode::IoError, "could not fsync file");
  });
  EXPECT_THROW(insert(kTrades, {{"A", 2, 0, "1"}}), Error);
  fails = false;
  // The kernel may have forgotten the pages: that a later sync works proves nothing.
  EXPECT_THROW(insert(kTrades, {{"A", 3, 0, "1"}}), Error);
  EXPECT_THROW(store->checkpoint(), Error);
  EXPECT_EQ(rows_of(kTrades), (Rows{{"A", 1, 0, "1"}}));
  const auto survivors = files->after_power_loss([](std::uint64_t) { return 0; });
  EXPECT_EQ(rows_on(*survivors), (Rows{{"A", 1, 0, "1"}}));
  store.reset();  // before what the hook looks at
}

TEST_F(StoreRecovery, FailureAnywhereInACheckpointLosesNothing) {
  // Every call of a checkpoint fails once; after each the store goes on, and the disk holds everything.
  for (int failing = 0;; ++failing) {
    store.reset();
    files = std::make_unique<PowerLossFileSystem>();
    options.files = files.get();
    open();
    create(trades(kTrades));
    Rows expected;
    for (int i = 0; i < 20; ++i) expected.push_back({"A", i * 100, 0, "1"});
    insert(kTrades, expected);
    store->checkpoint();
    insert(kTrades, {{"A", 500, 0, "7"}}, OnDuplicate::Replace);
    std::get<3>(expected[5]) = "7";
    std::atomic<int> calls = 0;
    files->set_hook([&](PowerLossFileSystem::Call, const std::filesystem::path&) {
      if (calls++ == failing) throw Error(ErrorCode::IoError, "injected");
    });
    bool has_failed = false;
    try {
      store->checkpoint();
    } catch (const Error&) {
      has_failed = true;
    }
    files->set_hook({});
    EXPECT_EQ(rows_of(kTrades), expected) << failing;
    for (const bool keeps_all : {false, true}) {
      const auto survivors = files->after_power_loss([&](std::uint64_t n) { return keeps_all ? n - 1 : 0; });
      EXPECT_EQ(rows_on(*survivors), expected) << failing;
    }
    store.reset();
    EXPECT_EQ(rows_on(*files), expected) << failing;
    if (!has_failed) break;
  }
}

TEST_F(StoreRecovery, SequencesNeverRepeat) {
  open();
  EXPECT_EQ(store->next_sequence_value(500, {.start = 10, .increment = 5}), 10);
  EXPECT_EQ(store->next_sequence_value(500, {.start = 10, .increment = 5}), 15);
  EXPECT_EQ(store->last_sequence_value(500), 15);
  EXPECT_EQ(store->last_sequence_value(501), std::nullopt);
  const TableId table = store->next_table_id();
  auto crash = [&] {
    auto survivors = files->after_power_loss([](std::uint64_t) { return 0; });
    store.reset();
    files = std::move(survivors);
    options.files = files.get();
    open();
  };
  crash();
  const auto after_crash = store->next_sequence_value(500, {.start = 10, .increment = 5}).value();
  EXPECT_GT(after_crash, 15);
  EXPECT_EQ(after_crash % 5, 0);
  EXPECT_GT(store->next_table_id(), table);
  store->checkpoint();
  crash();
  const auto after_checkpoint = store->next_sequence_value(500, {.start = 10, .increment = 5}).value();
  EXPECT_GT(after_checkpoint, after_crash);
  open();  // closed in order: no gap
  EXPECT_EQ(store->next_sequence_value(500, {.start = 10, .increment = 5}), after_checkpoint + 5);
  store->set_sequence(500, 3);
  crash();
  EXPECT_EQ(store->next_sequence_value(500, {.start = 10, .increment = 5}), 3);
  store->drop_sequence(500);
  crash();
  EXPECT_EQ(store->next_sequence_value(500, {.start = 10, .increment = 5}), 10);
}

TEST_F(StoreRecovery, ASequenceEndsOrStartsAgain) {
  open();
  const SequenceRule ends{.start = 8, .increment = 1, .minimum = 1, .maximum = 9};
  EXPECT_EQ(store->next_sequence_value(500, ends), 8);
  EXPECT_EQ(store->next_sequence_value(500, ends), 9);
  EXPECT_EQ(store->next_sequence_value(500, ends), std::nullopt);
  EXPECT_EQ(store->last_sequence_value(500), 9);
  const SequenceRule down{.start = -1, .increment = -2, .minimum = -3, .maximum = -1, .cycles = true};
  for (const std::int64_t expected : {-1, -3, -1, -3})
    EXPECT_EQ(store->next_sequence_value(501, down), expected);
  auto survivors = files->after_power_loss([](std::uint64_t) { return 0; });
  store.reset();
  files = std::move(survivors);
  options.files = files.get();
  open();
  EXPECT_EQ(store->next_sequence_value(500, ends), std::nullopt);
  const auto after_crash = store->next_sequence_value(501, down);
  EXPECT_TRUE(after_crash == -1 || after_crash == -3);
  // The end of BIGINT is no wrap-around.
  const SequenceRule widest{.start = INT64_MAX - 1, .increment = 7};
  EXPECT_EQ(store->next_sequence_value(502, widest), INT64_MAX - 1);
  EXPECT_EQ(store->next_sequence_value(502, widest), std::nullopt);
}

TEST(CommitRecordTest, OlderCommitsAreRead) {
  for (const auto kind : {LogRecordKind::Commit, LogRecordKind::CommitWithSegments}) {
    ByteWriter body;
    body.put(std::uint64_t{7});
    body.put(std::uint32_t{1});
    body.put(TableId{kTrades});
    body.put(std::uint8_t{0});
    body.put(std::uint8_t{1});
    put_list(std::vector<std::int64_t>{1000, 3000}, body);
    body.put(std::uint8_t{0});
    if (kind == LogRecordKind::CommitWithSegments) {
      body.put(std::uint32_t{1});
      body.put(std::uint64_t{12});
      body.put(std::uint64_t{100});
      body.put(std::uint64_t{2000});
      put_list(std::vector<std::uint64_t>{5}, body);
    }
    body.put(std::uint32_t{0});
    body.put(std::uint32_t{0});
    ByteReader in(body.bytes(), "commit record");
    const auto commit = get_commit(in, kind);
    EXPECT_TRUE(in.at_end());
    EXPECT_EQ(commit.transaction, 7U);
    EXPECT_EQ(commit.time_us, kUnknownTime);
    ASSERT_EQ(commit.tables.size(), 1U);
    EXPECT_TRUE(commit.tables[0].is_truncated);
    EXPECT_EQ(commit.tables[0].dropped_chunks, (std::vector<std::int64_t>{1000, 3000}));
    EXPECT_TRUE(commit.tables[0].made_chunks.empty());
    EXPECT_EQ(commit.tables[0].segments.size(), kind == LogRecordKind::Commit ? 0U : 1U);
  }
}

TEST(CommitRecordTest, KeysAndRowsWithoutColumnsAreDamage) {
  // Their number would stand for itself, and ask for as much memory as it says.
  CommitRecord erases;
  erases.tables.emplace_back().erased_keys.zero_column_rows = std::size_t{1} << 55;
  ByteWriter erased;
  put_commit(erases, erased);
  ByteReader in(erased.bytes(), "commit record");
  EXPECT_THROW(get_commit(in, LogRecordKind::TimedCommit), Error);

  LoggedRows rows;
  rows.rows.zero_column_rows = std::size_t{1} << 31;
  ByteWriter written;
  put_logged_rows(rows, written);
  ByteReader rows_in(written.bytes(), "rows record");
  EXPECT_THROW(get_logged_rows(rows_in), Error);
}

TEST_F(StoreRecovery, LogIsLetGoOfAfterACheckpoint) {
  open();
  create(trades(kTrades));
  for (int i = 0; i < 200; ++i) insert(kTrades, {{"A", i, 0, "1"}});
  EXPECT_GT(files->list(path / "log").size(), 2U);
  store->checkpoint();
  EXPECT_EQ(files->list(path / "log").size(), 1U);
  EXPECT_LE(store->statistics().log_bytes, kLogHeaderBytes);
  EXPECT_EQ(rows_on(*files->copy()).size(), 200U);
}

}  // namespace
}  // namespace tickstone::storage
