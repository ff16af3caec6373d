// SPDX-License-Identifier: Apache-2.0
// Tables whose time column is a UUID of version 7: chunks and scans go by the time in it, keys by all of it.
#include <algorithm>
#include <map>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "storage/changed_times.hpp"
#include "storage/chunk_reshaping.hpp"
#include "storage/row_time.hpp"
#include "storage/test/store_fixture.hpp"
#include "storage/verify.hpp"
#include "types/uuid_v7.hpp"

namespace tickstone::storage {
namespace {

using namespace testing_store;

constexpr TableId kEvents = kFirstUserTable;
constexpr ColumnId kId = 1, kDevice = 2, kNumber = 3;
constexpr std::int64_t kHourUs = 3'600'000'000;
constexpr std::int64_t kStartUs = 490'000 * kHourUs;

/// How segments are sorted beside the UUID.
enum class Series { None, InKey, NotInKey };

TableSchema events(Series series) {
  TableSchema schema;
  schema.id = kEvents;
  schema.name = "events";
  schema.columns = {{kId, "id", SqlType::of(TypeId::Uuid), true},
                    {kDevice, "device", SqlType::of(TypeId::Text), true},
                    {kNumber, "number", SqlType::of(TypeId::BigInt), false}};
  schema.primary_key = {kId};
  if (series == Series::InKey) schema.primary_key = {kDevice, kId};
  schema.primary_key_name = "events_pkey";
  if (series != Series::None) schema.series_key = {kDevice};
  schema.time_column = kId;
  schema.chunk_interval = kHourUs;
  return schema;
}

/// In the order of UUIDs, whose top bit is no sign.
struct Key {
  UInt128 id = 0;
  std::string device;
  friend auto operator<=>(const Key&, const Key&) = default;
};
using Events = std::map<Key, std::int64_t>;

class UuidTime : public StoreFixture, public testing::WithParamInterface<Series> {
 protected:
  UuidTime() {
    options.row_group_rows = 16;
    options.segment_rows = 100;
    options.adopted_rows = 40;
    options.compaction_quiet_us = 0;
  }

  void start() {
    open();
    create(events(GetParam()));
  }

  std::uint64_t below(std::uint64_t bound) { return random() % bound; }

  /// Few times, so that many rows share one; the bits behind are any.
  Int128 any_uuid() {
    const std::int64_t us = kStartUs + static_cast<std::int64_t>(below(4)) * kHourUs +
                            static_cast<std::int64_t>(below(6)) * 1000 +
                            static_cast<std::int64_t>(below(3)) * 400;
    return uuid_v7_of(us, below(3) == 0 ? below(2) << 40 : random());
  }
  Key any_key() {
    // Mostly keys that are there.
    if (!model.empty() && below(3) != 0) {
      auto at = model.begin();
      std::advance(at, static_cast<std::ptrdiff_t>(below(model.size())));
      return at->first;
    }
    const auto id = static_cast<UInt128>(any_uuid());
    // A UUID has one device, so that it is a key by itself.
    return {id, "device" + std::to_string(static_cast<unsigned>(id % 3))};
  }

  static void add(Batch& batch, const Key& key, std::int64_t number) {
    batch.columns[0].append_fixed(static_cast<Int128>(key.id));
    batch.columns[1].append_bytes(key.device);
    batch.columns[2].append_fixed(number);
  }
  static Batch no_rows() {
    Batch batch;
    batch.columns = {Column(SqlType::of(TypeId::Uuid)), Column(SqlType::of(TypeId::Text)),
                     Column(SqlType::of(TypeId::BigInt))};
    return batch;
  }
  static Batch keys_of(const std::vector<Key>& keys) {
    Batch batch;
    if (GetParam() == Series::InKey) batch.columns.emplace_back(SqlType::of(TypeId::Text));
    batch.columns.emplace_back(SqlType::of(TypeId::Uuid));
    for (const Key& key : keys) {
      if (GetParam() == Series::InKey) batch.columns.front().append_bytes(key.device);
      batch.columns.back().append_fixed(static_cast<Int128>(key.id));
    }
    return batch;
  }

  /// What a scan gives, with rows that do not match among it.
  Events scanned(const ReadView& view, std::vector<ColumnPredicate> predicates = {},
                 ScanStatistics* statistics = nullptr) {
    ScanRequest request;
    request.table = kEvents;
    request.columns = {kId, kDevice, kNumber};
    request.predicates = std::move(predicates);
    const auto scan = view.scan(request);
    const auto state = scan->make_state();
    Events rows;
    ScanBatch read;
    while (scan->read(*state, read)) {
      for (std::size_t row = 0; row < read.row_count; ++row) {
        const Key key{static_cast<UInt128>(read.columns[0].integer(row)),
                      std::string(read.columns[1].bytes(row))};
        EXPECT_TRUE(rows.emplace(key, static_cast<std::int64_t>(read.columns[2].integer(row))).second);
      }
    }
    if (statistics != nullptr) *statistics = scan->statistics();
    return rows;
  }

  void write_something() {
    auto transaction = store->begin();
    const Events before = model;
    for (std::uint64_t statements = 1 + below(3); statements > 0; --statements) {
      const std::uint64_t kind = below(6);
      if (kind == 5) {
        std::vector<Key> keys;
        for (std::uint64_t i = 0; i < 4; ++i) keys.push_back(any_key());
        std::sort(keys.begin(), keys.end());
        keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
        std::uint64_t gone = 0;
        for (const Key& key : keys) gone += model.erase(key);
        EXPECT_EQ(transaction->erase(kEvents, keys_of(keys)), gone);
        continue;
      }
      Batch rows = no_rows();
      Events after = model;
      bool has_duplicate = false;
      std::uint64_t skipped = 0;
      const auto mode = kind == 0 ? OnDuplicate::Fail : kind < 3 ? OnDuplicate::Skip : OnDuplicate::Replace;
      for (std::uint64_t i = 1 + below(30); i > 0; --i) {
        const auto number = static_cast<std::int64_t>(below(1000));
        const Key key = any_key();
        add(rows, key, number);
        const auto [at, is_new] = after.try_emplace(key, number);
        if (is_new) continue;
        has_duplicate = true;
        ++skipped;
        if (mode == OnDuplicate::Replace) at->second = number;
      }
      if (mode == OnDuplicate::Fail && has_duplicate) {
        const auto savepoint = transaction->savepoint();
        EXPECT_THROW(transaction->insert(kEvents, rows, mode), Error);
        transaction->rollback_to(savepoint);
        continue;
      }
      const auto result = transaction->insert(kEvents, rows, mode);
      if (mode == OnDuplicate::Skip) {
        EXPECT_EQ(result.skipped.size(), skipped);
      }
      model = std::move(after);
    }
    EXPECT_EQ(scanned(*transaction->read_view()), model);
    if (below(5) == 0) {
      transaction->rollback();
      model = before;
    } else {
      transaction->commit();
    }
  }

  void expect_model() {
    const auto view = store->read_view();
    ASSERT_EQ(scanned(*view), model);
    EXPECT_EQ(view->row_count(kEvents), model.size());
    std::vector<Key> keys;
    for (int i = 0; i < 20; ++i) keys.push_back(any_key());
    const auto found = view->lookup(kEvents, keys_of(keys));
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const auto known = model.find(keys[i]);
      ASSERT_EQ(found.found[i] >= 0, known != model.end());
      if (known == model.end()) continue;
      const auto row = static_cast<std::size_t>(found.found[i]);
      EXPECT_EQ(found.rows.columns[2].view().integer(row), known->second);
    }
    for (const auto& chunk : view->chunks(kEvents)) {
      EXPECT_EQ(chunk.range.start % kHourUs, 0);
      EXPECT_EQ(chunk.range.end, chunk.range.start + kHourUs);
    }
  }

  std::mt19937_64 random{20260105};
  Events model;
};

TEST_P(UuidTime, WhatIsWrittenIsThereAfterCrashesAndMerges) {
  start();
  for (int step = 0; step < 200; ++step) {
    write_something();
    const std::uint64_t next = below(20);
    if (next == 0) store->checkpoint();
    if (next == 1) store->compact();
    if (next == 2) crash_and_open();
    if (next == 3) open();
    if (step % 10 == 0) {
      ASSERT_NO_FATAL_FAILURE(expect_model()) << "step " << step;
    }
  }
  store->checkpoint();
  store->compact();
  ASSERT_NO_FATAL_FAILURE(expect_model());
  EXPECT_EQ(store->read_view()->chunks(kEvents).size(), 4U);
  store.reset();
  const auto report = verify_directory(path, {});
  EXPECT_TRUE(report.findings.empty()) << report.findings.front().what;
}

TEST_P(UuidTime, ScansLeaveOutNoRowThatMatches) {
  start();
  for (int part = 0; part < 3; ++part) {
    for (int i = 0; i < 20; ++i) write_something();
    if (part == 0) store->checkpoint();
    if (part == 1) store->compact();
  }
  const auto view = store->read_view();
  for (int i = 0; i < 600; ++i) {
    // Bounds of any version, close to what is there.
    const auto any_bound = [&] {
      Value value{SqlType::of(TypeId::Uuid), false};
      value.integer = any_uuid();
      if (below(3) == 0) value.integer = value.integer >> 80 << 80 | static_cast<Int128>(below(2) * random());
      if (below(3) == 0) value.integer = uuid_v7_of(uuid_leading_time(value.integer), 0);
      return ColumnPredicate::Bound{value, below(2) == 0};
    };
    ColumnPredicate predicate;
    predicate.column = kId;
    if (below(2) == 0) predicate.lower = any_bound();
    if (below(2) == 0) predicate.upper = any_bound();
    if (below(6) == 0) {
      const Key key = any_key();
      Value value{SqlType::of(TypeId::Uuid), false};
      value.integer = static_cast<Int128>(key.id);
      predicate.in = {value};
      predicate.lower = predicate.upper = {value, true};
    }
    const auto matches = [&](const Key& key) {
      if (predicate.lower) {
        const auto bound = static_cast<UInt128>(predicate.lower->value.integer);
        if (key.id < bound || (key.id == bound && !predicate.lower->inclusive)) return false;
      }
      if (!predicate.upper) return true;
      const auto bound = static_cast<UInt128>(predicate.upper->value.integer);
      return key.id < bound || (key.id == bound && predicate.upper->inclusive);
    };
    Events expected = model;
    std::erase_if(expected, [&](const auto& row) { return !matches(row.first); });
    Events found = scanned(*view, {predicate});
    std::erase_if(found, [&](const auto& row) { return !matches(row.first); });
    ASSERT_EQ(found, expected);
  }
}

TEST_P(UuidTime, BoundariesLeaveOutChunks) {
  start();
  Batch rows = no_rows();
  for (int hour = 0; hour < 4; ++hour) {
    add(rows, {static_cast<UInt128>(uuid_v7_of(kStartUs + hour * kHourUs, 0)), "device0"}, hour);
    add(rows, {static_cast<UInt128>(uuid_v7_of(kStartUs + (hour + 1) * kHourUs - 1, UINT64_MAX)), "device1"},
        hour);
  }
  auto transaction = store->begin();
  transaction->insert(kEvents, rows, OnDuplicate::Fail);
  transaction->commit();
  const auto boundary = [](std::int64_t us) {
    Value value{SqlType::of(TypeId::Uuid), false};
    value.integer = uuid_v7_of(us, 0);
    return value;
  };
  for (int pass = 0; pass < 2; ++pass) {
    ColumnPredicate second_hour;
    second_hour.column = kId;
    second_hour.lower = {boundary(kStartUs + kHourUs), true};
    second_hour.upper = {boundary(kStartUs + 2 * kHourUs), false};
    ScanStatistics statistics;
    EXPECT_EQ(scanned(*store->read_view(), {second_hour}, &statistics).size(), 2U);
    EXPECT_EQ(statistics.chunks_read, 1U);
    EXPECT_EQ(statistics.chunks_total, 4U);
    ColumnPredicate newest;
    newest.column = kId;
    newest.lower = {boundary(kStartUs + 3 * kHourUs), true};
    (void)scanned(*store->read_view(), {newest}, &statistics);
    EXPECT_EQ(statistics.chunks_read, 1U);
    store->checkpoint();
  }
}

TEST_P(UuidTime, TakesNoOtherVersions) {
  start();
  const Int128 seven = uuid_v7_of(kStartUs, 7);
  for (const Int128 wrong : {seven ^ (Int128{3} << 76), seven ^ (Int128{1} << 63), Int128{0}, ~Int128{0}}) {
    Batch rows = no_rows();
    add(rows, {static_cast<UInt128>(seven), "device0"}, 1);
    add(rows, {static_cast<UInt128>(wrong), "device0"}, 2);
    auto transaction = store->begin();
    for (const auto mode : {OnDuplicate::Fail, OnDuplicate::Skip, OnDuplicate::Replace}) {
      try {
        transaction->insert(kEvents, rows, mode);
        FAIL() << "was taken";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::FeatureNotSupported);
        EXPECT_THAT(error.what(), testing::HasSubstr("is not a version 7 UUID"));
      }
    }
    EXPECT_TRUE(scanned(*transaction->read_view()).empty());
  }
}

TEST_P(UuidTime, TellsWhichTimesChange) {
  start();
  const Key key{static_cast<UInt128>(uuid_v7_of(kStartUs + 5000, 99)), "device0"};
  Batch rows = no_rows();
  add(rows, key, 1);
  ChangedTimes asked;
  asked.within = {INT64_MIN, INT64_MAX};
  asked.width = kHourUs;
  const TimeRanges hour{{kStartUs, kStartUs + kHourUs}};
  for (int pass = 0; pass < 2; ++pass) {
    auto transaction = store->begin();
    transaction->insert(kEvents, rows, OnDuplicate::Replace);
    EXPECT_EQ(ChangeReport::of(*transaction).changed_times(kEvents, asked), hour);
    transaction->commit();
    store->checkpoint();
  }
  auto transaction = store->begin();
  transaction->erase(kEvents, keys_of({key}));
  EXPECT_EQ(ChangeReport::of(*transaction).changed_times(kEvents, asked), hour);
}

TEST_P(UuidTime, ChunksAreSplitByTime) {
  start();
  for (int i = 0; i < 30; ++i) write_something();
  store->checkpoint();
  for (int i = 0; i < 10; ++i) write_something();
  const std::int64_t middle = kStartUs + 3000;
  auto transaction = store->begin();
  ChunkReshaping::of(*transaction)
      .reshape_chunks(kEvents, {{kStartUs, middle}, {middle, kStartUs + kHourUs}});
  transaction->commit();
  EXPECT_EQ(store->read_view()->chunks(kEvents).size(), 5U);
  EXPECT_EQ(scanned(*store->read_view()), model);
  crash_and_open();
  EXPECT_EQ(scanned(*store->read_view()), model);
  store.reset();
  EXPECT_TRUE(verify_directory(path, {}).findings.empty());
}

INSTANTIATE_TEST_SUITE_P(Sorted, UuidTime, testing::Values(Series::None, Series::InKey, Series::NotInKey));

TEST(UuidBounds, DivideAsTheTimeDoes) {
  std::mt19937_64 random(4);
  const SqlType uuid = SqlType::of(TypeId::Uuid);
  for (int i = 0; i < 5000; ++i) {
    const std::int64_t us = kStartUs + static_cast<std::int64_t>(random() % 5000);
    Value value{uuid, false};
    value.integer = uuid_v7_of(us, random());
    const std::int64_t at = us / 1000 * 1000 + static_cast<std::int64_t>(random() % 4000) - 2000;
    const auto bound = bound_at(uuid, at);
    ASSERT_TRUE(bound);
    EXPECT_EQ(static_cast<UInt128>(value.integer) < static_cast<UInt128>(bound->integer),
              time_of(value) < at);
  }
  EXPECT_FALSE(bound_at(uuid, INT64_MAX));
  const auto time = bound_at(SqlType::of(TypeId::TimestampTz), 77);
  ASSERT_TRUE(time);
  EXPECT_EQ(time->integer, 77);
}

}  // namespace
}  // namespace tickstone::storage
