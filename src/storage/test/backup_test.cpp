// SPDX-License-Identifier: Apache-2.0
#include "storage/backup.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "storage/test/power_loss_file_system.hpp"
#include "storage/test/store_fixture.hpp"
#include "storage/verify.hpp"

namespace tickstone::storage {
namespace {

using namespace testing_store;
using ::testing::HasSubstr;

Rows make_rows(std::int64_t first, std::int64_t count, const std::string& price = "1.5") {
  Rows rows;
  for (std::int64_t i = first; i < first + count; ++i) {
    rows.push_back({i % 3 == 0 ? "A" : "B", i, i, price});
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

/// On the machine's files, where links are real.
class BackupOnDisk : public StoreFixture {
 protected:
  BackupOnDisk() { backup = directory.next(); }

  BackupReport take(const std::filesystem::path& base = {}) {
    BackupOptions how;
    how.base = base;
    return store->backup(backup, how);
  }
  Rows restored_rows(TableId table = kTrades) {
    const auto restored = directory.next();
    restore_backup(nullptr, backup, restored);
    return rows_in(restored, table);
  }
  Rows rows_in(const std::filesystem::path& where, TableId table = kTrades) const {
    const auto opened = Store::open(where, options);
    return scan_rows(*opened->read_view(), table);
  }
  static Error error_of(const std::function<void()>& action) {
    try {
      action();
    } catch (const Error& error) {
      return error;
    }
    return {ErrorCode::SuccessfulCompletion, "none"};
  }
  static std::map<std::string, std::string> contents(const std::filesystem::path& where) {
    std::map<std::string, std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(where)) {
      if (!entry.is_regular_file()) continue;
      std::string text(entry.file_size(), '\0');
      const auto file = posix_file_system().open(entry.path(), FileSystem::Mode::Read);
      file->read_at(0, std::as_writable_bytes(std::span(text)));
      found[entry.path().lexically_relative(where).string()] = text;
    }
    return found;
  }
  void flip(const std::filesystem::path& file, std::uint64_t offset) {
    // A file of its own first: the backup's may be the store's too.
    const auto copy = directory.next();
    std::filesystem::copy_file(file, copy);
    std::filesystem::rename(copy, file);
    const auto opened = posix_file_system().open(file, FileSystem::Mode::ReadWrite);
    std::byte byte{};
    opened->read_at(offset, {&byte, 1});
    byte ^= std::byte{0x20};
    opened->write_at(offset, {&byte, 1});
  }
  std::filesystem::path first_segment(const std::filesystem::path& where) const {
    std::vector<std::filesystem::path> all;
    for (const auto& entry : std::filesystem::directory_iterator(where / "segments")) all.push_back(entry);
    return *std::min_element(all.begin(), all.end());
  }

  std::filesystem::path backup;
};

TEST_F(BackupOnDisk, ARestoredBackupHasEveryRowOfEveryTable) {
  open();
  create(trades(kTrades));
  create(plain(kTrades + 1));
  create(keyless(kTrades + 2));
  for (TableId table = kTrades; table < kTrades + 3; ++table) insert(table, make_rows(0, 500));
  store->checkpoint();
  for (TableId table = kTrades; table < kTrades + 3; ++table) insert(table, make_rows(500, 700));
  auto transaction = store->begin();
  transaction->erase(kTrades, keys({{"A", 0, 0, ""}, {"A", 600, 600, ""}}));
  transaction->commit();
  store->next_sequence_value(kTrades + 9, {});
  const auto report = take();
  EXPECT_EQ(report.seq, store->read_view()->seq());
  EXPECT_EQ(report.copied_files, 0U) << "the file system of the test has no links?";
  const Rows expected = rows_of(kTrades);
  ASSERT_EQ(expected.size(), 1198U);
  insert(kTrades, make_rows(5000, 10));  // after the backup: not in it
  EXPECT_EQ(restored_rows(), expected);
  EXPECT_EQ(restored_rows(kTrades + 1), make_rows(0, 1200));
  EXPECT_EQ(restored_rows(kTrades + 2), make_rows(0, 1200));
}

TEST_F(BackupOnDisk, ARestoredStoreGoesOn) {
  open();
  create(trades(kTrades));
  insert(kTrades, make_rows(0, 100));
  const auto number = store->next_sequence_value(kTrades + 9, {}).value();
  const auto id = store->next_table_id();
  take();
  const auto restored = directory.next();
  restore_backup(nullptr, backup, restored);
  {
    const auto opened = Store::open(restored, options);
    EXPECT_GT(opened->next_sequence_value(kTrades + 9, {}).value(), number);
    EXPECT_GT(opened->next_table_id(), id);
    auto transaction = opened->begin();
    transaction->insert(kTrades, batch(make_rows(100, 100)), OnDuplicate::Fail);
    transaction->commit();
    opened->checkpoint();
  }
  EXPECT_EQ(rows_in(restored), make_rows(0, 200));
  EXPECT_TRUE(verify_directory(restored).findings.empty());
  // What became of the restored store is nothing to the backup.
  EXPECT_EQ(restored_rows(), make_rows(0, 100));
}

TEST_F(BackupOnDisk, TransactionsAreWholeInABackupThatIsTakenWhileTheyCommit) {
  open();
  create(trades(kTrades));
  create(plain(kTrades + 1));
  constexpr int kWriters = 4;
  constexpr std::int64_t kRowsEach = 7;
  std::atomic<bool> stop{false};
  std::vector<std::thread> writers;
  std::array<std::atomic<std::int64_t>, kWriters> acknowledged{};
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      for (std::int64_t round = 0; !stop && round < 2000; ++round) {
        // The same rows into both tables, in one transaction.
        Rows rows;
        for (std::int64_t i = 0; i < kRowsEach; ++i) {
          rows.push_back({"W" + std::to_string(writer), round, i, std::to_string(round)});
        }
        auto transaction = store->begin();
        transaction->insert(kTrades, batch(rows), OnDuplicate::Fail);
        transaction->insert(kTrades + 1, batch(rows), OnDuplicate::Fail);
        transaction->commit(/*synchronous=*/round % 2 == 0);
        acknowledged[static_cast<std::size_t>(writer)] = round + 1;
      }
    });
  }
  for (int turn = 0; turn < 4; ++turn) {
    std::array<std::int64_t, kWriters> before{};
    for (std::size_t i = 0; i < kWriters; ++i) before[i] = acknowledged[i];
    take();
    const Rows first = restored_rows();
    EXPECT_EQ(first, restored_rows(kTrades + 1));
    std::map<std::string, std::int64_t> counts;
    for (const auto& row : first) ++counts[std::get<0>(row)];
    for (int writer = 0; writer < kWriters; ++writer) {
      const std::int64_t rows = counts["W" + std::to_string(writer)];
      EXPECT_EQ(rows % kRowsEach, 0) << "a part of a transaction";
      EXPECT_GE(rows / kRowsEach, before[static_cast<std::size_t>(writer)])
          << "an acknowledged row is missing";
    }
  }
  stop = true;
  for (auto& writer : writers) writer.join();
}

TEST_F(BackupOnDisk, RowsThatChangeWhileTheyAreCompactedAreAllOfOneCommit) {
  options.compaction_bytes_per_second = 0;
  options.compaction_quiet_us = 0;
  open();
  create(trades(kTrades));
  create(plain(kTrades + 1));
  constexpr std::int64_t kKeys = 40;
  std::atomic<bool> stop{false};
  std::atomic<std::int64_t> acknowledged{0};
  // Each commit gives all keys of both tables one new price, and in every third it drops a chunk as well.
  std::thread writer([&] {
    for (std::int64_t round = 1; !stop && round < 20000; ++round) {
      Rows rows;
      for (std::int64_t i = 0; i < kKeys; ++i) rows.push_back({"A", i * 100, i, std::to_string(round)});
      auto transaction = store->begin();
      if (round % 3 == 0) transaction->drop_chunks(kTrades, {0, 1000});
      transaction->insert(kTrades, batch(rows), OnDuplicate::Replace);
      transaction->insert(kTrades + 1, batch(rows), OnDuplicate::Replace);
      transaction->commit(/*synchronous=*/false);
      acknowledged = round;
    }
  });
  std::thread compactor([&] {
    while (!stop) {
      store->checkpoint();
      store->compact();
    }
  });
  for (int turn = 0; turn < 6; ++turn) {
    const std::int64_t before = acknowledged;
    take();
    const Rows rows = restored_rows();
    ASSERT_EQ(rows, restored_rows(kTrades + 1));
    if (before == 0 && rows.empty()) continue;
    ASSERT_EQ(rows.size(), static_cast<std::size_t>(kKeys));
    for (const auto& row : rows) EXPECT_EQ(std::get<3>(row), std::get<3>(rows.front()));
    EXPECT_GE(std::stoll(std::get<3>(rows.front())), before);
  }
  stop = true;
  writer.join();
  compactor.join();
}

TEST_F(BackupOnDisk, RowsThatACommitHasInSegmentsOfItsOwnComeBack) {
  options.early_log_bytes = 1 << 12;
  options.adopted_rows = 100;
  open();
  create(trades(kTrades, 1'000'000));
  std::atomic<bool> stop{false};
  std::atomic<std::int64_t> acknowledged{0};
  constexpr std::int64_t kRows = 3000;
  constexpr std::int64_t kMaxRounds = 60;
  std::thread writer([&] {
    for (std::int64_t round = 0; !stop && round < kMaxRounds; ++round) {
      auto transaction = store->begin();
      for (std::int64_t part = 0; part < 6; ++part) {
        transaction->insert(kTrades, batch(make_rows(round * kRows + part * 500, 500)), OnDuplicate::Fail);
      }
      transaction->commit();
      acknowledged = round + 1;
    }
  });
  for (int turn = 0; turn < 4; ++turn) {
    const std::int64_t before = acknowledged;
    take();
    EXPECT_TRUE(verify_directory(backup).findings.empty());
    const auto rows = static_cast<std::int64_t>(restored_rows().size());
    EXPECT_EQ(rows % kRows, 0) << "a part of a transaction";
    EXPECT_GE(rows / kRows, before) << "an acknowledged transaction is missing";
  }
  stop = true;
  writer.join();
  store.reset();
  EXPECT_TRUE(verify_directory(path).findings.empty());
}

TEST_F(BackupOnDisk, ASecondBackupKeepsWhatTheFirstHas) {
  open();
  create(trades(kTrades));
  insert(kTrades, make_rows(0, 3000));
  const auto first = take();
  EXPECT_EQ(first.kept_files, 0U);
  insert(kTrades, make_rows(10'000, 10));
  const auto second = take();
  EXPECT_GT(second.kept_files, 0U);
  EXPECT_GT(second.kept_bytes, 0U);
  EXPECT_LT(second.kept_bytes, second.bytes);
  EXPECT_GT(second.seq, first.seq);
  EXPECT_EQ(restored_rows(), rows_of(kTrades));
  EXPECT_FALSE(std::filesystem::exists(backup.string() + ".previous"));
  EXPECT_FALSE(std::filesystem::exists(backup.string() + ".incomplete"));
}

TEST_F(BackupOnDisk, ABackupOfAnotherStoreIsNoBase) {
  open();
  create(trades(kTrades));
  insert(kTrades, make_rows(0, 300, "1.5"));
  take();
  // A store with the same segment numbers and sizes, and other prices.
  path = directory.next();
  open();
  create(trades(kTrades));
  insert(kTrades, make_rows(0, 300, "2.5"));
  const auto report = take();
  EXPECT_EQ(report.kept_files, 0U);
  EXPECT_EQ(restored_rows(), make_rows(0, 300, "2.5"));
}

TEST_F(BackupOnDisk, AnEarlierBackupCanBeTheBase) {
  open();
  create(trades(kTrades));
  insert(kTrades, make_rows(0, 3000));
  take();
  const auto monday = backup;
  backup = directory.next();
  insert(kTrades, make_rows(10'000, 10));
  EXPECT_GT(take(monday).kept_files, 0U);
  EXPECT_EQ(restored_rows(), rows_of(kTrades));
  std::filesystem::remove_all(monday);
  EXPECT_EQ(restored_rows(), rows_of(kTrades));
}

TEST_F(BackupOnDisk, ASegmentThatWasDamagedSinceTheBaseIsNotKept) {
  open();
  create(trades(kTrades));
  insert(kTrades, make_rows(0, 300));
  take();
  // The same file in the store and in the backup.
  const auto segment = first_segment(path);
  ASSERT_TRUE(std::filesystem::equivalent(segment, first_segment(backup)));
  posix_file_system()
      .open(segment, FileSystem::Mode::ReadWrite)
      ->write_at(std::filesystem::file_size(segment) / 2, std::as_bytes(std::span("!!", 2)));
  const auto monday = backup;
  backup = directory.next();
  const Error error = error_of([&] { take(monday); });
  EXPECT_EQ(error.code(), ErrorCode::DataCorrupted);
  EXPECT_THAT(error.message(), HasSubstr(segment.filename().string()));
  EXPECT_FALSE(std::filesystem::exists(backup));
  // Who trusts the base takes it as it is; restoring finds it.
  BackupOptions how;
  how.base = monday;
  how.trusts_base = true;
  EXPECT_EQ(store->backup(backup, how).kept_files, 1U);
  EXPECT_EQ(error_of([&] { restored_rows(); }).code(), ErrorCode::DataCorrupted);
}

TEST_F(BackupOnDisk, EveryDamagedFileIsRefusedAndNamed) {
  open();
  create(trades(kTrades));
  insert(kTrades, make_rows(0, 300));
  take();
  const auto whole = contents(backup);
  ASSERT_GE(whole.size(), 4U);
  for (const auto& [name, text] : whole) {
    flip(backup / name, text.size() / 2);
    const auto target = directory.next();
    const Error error = error_of([&] { restore_backup(nullptr, backup, target); });
    EXPECT_EQ(error.code(), ErrorCode::DataCorrupted) << name;
    EXPECT_THAT(error.message(), HasSubstr(name));
    EXPECT_FALSE(std::filesystem::exists(target)) << name;
    EXPECT_TRUE(verify_directory(backup).has_damage()) << name;
    flip(backup / name, text.size() / 2);
  }
  EXPECT_EQ(contents(backup), whole);
  EXPECT_TRUE(verify_directory(backup).findings.empty());
  EXPECT_TRUE(verify_directory(backup).is_backup);
}

TEST_F(BackupOnDisk, AMissingFileIsRefused) {
  open();
  create(trades(kTrades));
  insert(kTrades, make_rows(0, 300));
  take();
  std::filesystem::remove(first_segment(backup));
  const auto target = directory.next();
  EXPECT_NE(error_of([&] { restore_backup(nullptr, backup, target); }).code(),
            ErrorCode::SuccessfulCompletion);
  EXPECT_FALSE(std::filesystem::exists(target));
  EXPECT_TRUE(verify_directory(backup).has_damage());
}

TEST_F(BackupOnDisk, ADamagedSegmentIsNotBackedUp) {
  open();
  create(trades(kTrades));
  insert(kTrades, make_rows(0, 300));
  take();
  const auto earlier = contents(backup);
  insert(kTrades, make_rows(300, 300));
  store->checkpoint();
  std::vector<std::filesystem::path> segments;
  for (const auto& entry : std::filesystem::directory_iterator(path / "segments")) segments.push_back(entry);
  const auto newest = *std::max_element(segments.begin(), segments.end());
  {
    const auto file = posix_file_system().open(newest, FileSystem::Mode::ReadWrite);
    file->write_at(40, std::as_bytes(std::span("!!", 2)));
  }
  const Error error = error_of([&] { take(); });
  EXPECT_EQ(error.code(), ErrorCode::DataCorrupted);
  EXPECT_THAT(error.message(), HasSubstr(newest.filename().string()));
  EXPECT_EQ(contents(backup), earlier);
  EXPECT_FALSE(std::filesystem::exists(backup.string() + ".incomplete"));
}

TEST_F(BackupOnDisk, TargetsThatAreSomethingElseAreRefused) {
  open();
  create(trades(kTrades));
  insert(kTrades, make_rows(0, 10));
  std::filesystem::create_directories(backup);
  const auto file = posix_file_system().open(backup / "letters.txt", FileSystem::Mode::Create);
  EXPECT_EQ(error_of([&] { take(); }).code(), ErrorCode::ObjectInUse);
  EXPECT_TRUE(std::filesystem::exists(backup / "letters.txt"));
  backup = path / "backup";
  EXPECT_EQ(error_of([&] { take(); }).code(), ErrorCode::InvalidParameterValue);
  backup = path;
  EXPECT_EQ(error_of([&] { take(); }).code(), ErrorCode::InvalidParameterValue);
  backup = directory.next() / "no" / "such" / "folder";
  EXPECT_EQ(error_of([&] { take(); }).code(), ErrorCode::IoError);
  // An empty directory is as good as none.
  backup = directory.next();
  std::filesystem::create_directories(backup);
  take();
  EXPECT_EQ(restored_rows(), make_rows(0, 10));
}

TEST_F(BackupOnDisk, RestoreRefusesADirectoryThatIsNotEmpty) {
  open();
  create(trades(kTrades));
  insert(kTrades, make_rows(0, 10));
  take();
  const auto before = contents(path);
  const Error error = error_of([&] { restore_backup(nullptr, backup, path); });
  EXPECT_EQ(error.code(), ErrorCode::ObjectInUse);
  EXPECT_THAT(error.message(), HasSubstr("is not empty"));
  EXPECT_EQ(contents(path), before);
  const Error none = error_of([&] { restore_backup(nullptr, path, directory.next()); });
  EXPECT_EQ(none.code(), ErrorCode::UndefinedFile);
  EXPECT_THAT(none.message(), HasSubstr("is no backup"));
}

TEST_F(BackupOnDisk, ABackupIsNotOpenedAsAStore) {
  open();
  create(trades(kTrades));
  insert(kTrades, make_rows(0, 10));
  take();
  const Error error = error_of([&] { Store::open(backup, options); });
  EXPECT_EQ(error.code(), ErrorCode::ObjectNotInPrerequisiteState);
  EXPECT_THAT(error.hint(), HasSubstr("tickstone restore"));
  EXPECT_TRUE(verify_directory(backup).findings.empty());
}

/// On files that lose what was not synced, where any call can fail.
class BackupFaults : public StoreFixture {
 protected:
  BackupFaults() {
    files = std::make_unique<PowerLossFileSystem>();
    options.files = files.get();
    options.log_file_bytes = 8192;
    options.row_group_rows = 16;
    path = "/store";
    open();
    create(trades(kTrades));
    insert(kTrades, make_rows(0, 100));
  }
  ~BackupFaults() override {
    files->set_hook({});
    store.reset();
  }

  /// The rows of the backup that `survivors` have, or nothing where there is none. Never an error: what is
  /// there is whole.
  std::optional<Rows> backed_up(PowerLossFileSystem& survivors) {
    std::filesystem::path from;
    for (const char* name : {"/backup", "/backup.previous"}) {
      if (survivors.exists(std::filesystem::path(name) / kBackupName)) {
        from = name;
        break;
      }
    }
    if (from.empty()) return std::nullopt;
    restore_backup(&survivors, from, "/restored");
    StoreOptions other = options;
    other.files = &survivors;
    const auto opened = Store::open("/restored", other);
    return scan_rows(*opened->read_view(), kTrades);
  }

  std::unique_ptr<PowerLossFileSystem> files;
};

TEST_F(BackupFaults, PowerLossAtAnyCallLeavesTheOldBackupOrTheNewOne) {
  store->backup("/backup", {});
  insert(kTrades, make_rows(100, 50));
  const Rows before = make_rows(0, 100);
  const Rows after = make_rows(0, 150);
  std::uint64_t state = 7;
  const auto chance = [&](std::uint64_t n) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state >> 33) % n;
  };
  std::vector<std::unique_ptr<PowerLossFileSystem>> survivors;
  files->set_hook([&](PowerLossFileSystem::Call, const std::filesystem::path&) {
    survivors.push_back(files->after_power_loss(chance));
  });
  store->backup("/backup", {});
  files->set_hook({});
  ASSERT_GT(survivors.size(), 20U);
  int old_count = 0;
  for (auto& survivor : survivors) {
    const auto rows = backed_up(*survivor);
    ASSERT_TRUE(rows) << "the old backup is gone before the new one is there";
    ASSERT_TRUE(*rows == before || *rows == after) << rows->size();
    old_count += *rows == before;
  }
  EXPECT_GT(old_count, 0);
  EXPECT_EQ(backed_up(*files->after_power_loss(chance)), after) << "a finished backup is durable";
}

TEST_F(BackupFaults, AnyFailedCallGivesTheBackupUpAndKeepsTheOldOne) {
  store->backup("/backup", {});
  const Rows before = make_rows(0, 100);
  insert(kTrades, make_rows(100, 50));
  store->checkpoint();
  int failing = 0;
  for (;; ++failing) {
    int calls = 0;
    bool has_failed = false;
    files->set_hook([&](PowerLossFileSystem::Call, const std::filesystem::path& file) {
      // Calls of the store itself are another test's.
      if (!file.string().starts_with("/backup")) return;
      if (calls++ != failing) return;
      has_failed = true;
      throw Error(ErrorCode::DiskFull, "could not write file: no space left on device");
    });
    std::optional<Error> error;
    try {
      store->backup("/backup", {});
    } catch (const Error& caught) {
      error = caught;
    }
    files->set_hook({});
    if (!has_failed) {
      EXPECT_FALSE(error);
      break;
    }
    const auto found = backed_up(*files->copy());
    if (error) {
      EXPECT_EQ(error->code(), ErrorCode::DiskFull);
      ASSERT_TRUE(found);
      // The last calls fail when the new one stands already.
      EXPECT_TRUE(*found == before || *found == make_rows(0, 150)) << failing;
    }
    EXPECT_EQ(rows_of(kTrades), make_rows(0, 150));
    if (found != before) break;
  }
  EXPECT_GT(failing, 8);
  store->backup("/backup", {});
  EXPECT_EQ(backed_up(*files->copy()), make_rows(0, 150));
}

TEST_F(BackupFaults, WithoutLinksFilesAreCopied) {
  files->forbid_links();
  const auto report = store->backup("/backup", {});
  EXPECT_GT(report.copied_files, 0U);
  EXPECT_GT(report.copied_bytes, 0U);
  EXPECT_EQ(backed_up(*files->copy()), make_rows(0, 100));
}

TEST_F(BackupFaults, ABackupThatWasInterruptedIsNone) {
  std::uint64_t calls = 0;
  files->set_hook([&](PowerLossFileSystem::Call call, const std::filesystem::path&) {
    if (call == PowerLossFileSystem::Call::Link) ++calls;
  });
  std::unique_ptr<PowerLossFileSystem> killed;
  BackupOptions how;
  how.progress = [&](std::uint64_t, std::uint64_t) { killed = files->copy(); };
  store->backup("/backup", how);
  files->set_hook({});
  ASSERT_NE(killed, nullptr);
  ASSERT_GT(calls, 0U);
  EXPECT_EQ(backed_up(*killed), std::nullopt);
  for (const char* name : {"/backup", "/backup.incomplete"}) {
    try {
      restore_backup(killed.get(), name, "/elsewhere");
      FAIL() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::UndefinedFile);
    }
  }
}

TEST_F(BackupFaults, OneBackupAtATime) {
  BackupOptions how;
  std::optional<ErrorCode> second;
  how.progress = [&](std::uint64_t, std::uint64_t) {
    if (second) return;
    std::thread([&] {
      try {
        store->backup("/other", {});
      } catch (const Error& error) {
        second = error.code();
      }
    }).join();
  };
  store->backup("/backup", how);
  EXPECT_EQ(second, ErrorCode::ObjectInUse);
}

}  // namespace
}  // namespace tickstone::storage
