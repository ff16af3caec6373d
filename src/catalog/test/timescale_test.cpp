// SPDX-License-Identifier: Apache-2.0
// What TimescaleDB's views and functions say of hypertables.
#include <gtest/gtest.h>

#include "catalog/chunk_facts.hpp"
#include "catalog/test/market_fixture.hpp"

namespace tickstone::catalog {
namespace {

using Rows = std::vector<std::vector<std::string>>;
constexpr const char* kInformation = "timescaledb_information";

Rows call_table(const Market& market, std::string_view name, const std::vector<Value>& arguments) {
  return batch_text(call_catalog_table_function(name, arguments, market.catalog(), market.facts));
}

Value text(const char* value) { return Value::of_text(value); }

TEST(TimescaleInformation, ListsHypertables) {
  const Market market;
  EXPECT_EQ(
      batch_text(market.rows(kInformation, "hypertables")),
      (Rows{{"public", "ohlcv", "trader", "1", "2", "f", "-", "timestamp", "timestamp with time zone"}}));
  EXPECT_EQ(market.select(kInformation, "dimensions", {"column_name", "dimension_type", "time_interval"}),
            (Rows{{"timestamp", "Time", "7 days"}}));
}

TEST(TimescaleInformation, ListsChunksByTime) {
  const Market market;
  EXPECT_EQ(market.select(kInformation, "chunks",
                          {"hypertable_name", "chunk_name", "range_start", "range_end", "is_compressed"}),
            (Rows{{"ohlcv", "_hyper_1_3_chunk", "1970-01-01 00:00:00+00", "1970-01-08 00:00:00+00", "t"},
                  {"ohlcv", "_hyper_1_7_chunk", "1970-01-08 00:00:00+00", "1970-01-15 00:00:00+00", "f"}}));
}

TEST(TimescaleInformation, ListsAggregatesAndJobs) {
  Market market;
  EXPECT_EQ(
      market.select(kInformation, "continuous_aggregates",
                    {"hypertable_name", "view_name", "materialized_only", "materialization_hypertable_name"}),
      (Rows{{"ohlcv", "daily", "t", "_materialized_hypertable_16410"}}));
  EXPECT_EQ(market.select(kInformation, "jobs", {"job_id", "schedule_interval", "config", "next_start"}),
            (Rows{{"1000", "01:00:00", "{\"end_offset\": \"1 day\"}", "-"}}));
  EXPECT_TRUE(market.select(kInformation, "job_stats", {"job_id"}).empty());
  JobStatistics run;
  run.job_id = 1000;
  run.runs = run.successes = 1;
  run.last_start_us = 1'000'000;
  run.last_finish_us = 3'500'000;
  market.facts.statistics = {run};
  EXPECT_EQ(market.select(kInformation, "job_stats", {"last_run_status", "last_run_duration", "total_runs"}),
            (Rows{{"Success", "00:00:02.5", "1"}}));
  JobRunRecord failed{1,         1000,      false, "public", "report",          7,
                      1'000'000, 3'500'000, "{}",  "22012",  "division by zero"};
  JobRunRecord crashed = failed;
  crashed.id = 3;
  crashed.sqlstate.clear();
  crashed.message = "job crash detected";
  JobRunRecord good = failed;
  good.id = 2;
  good.succeeded = true;
  good.sqlstate.clear();
  good.message.clear();
  market.facts.history = {failed, good, crashed};
  EXPECT_EQ(
      market.select(kInformation, "job_history", {"id", "succeeded", "pid", "err_message"}),
      (Rows{
          {"1", "f", "7", "division by zero"}, {"2", "t", "7", "-"}, {"3", "f", "7", "job crash detected"}}));
  EXPECT_EQ(market.select(kInformation, "job_errors", {"sqlerrcode", "err_message"}),
            (Rows{{"22012", "division by zero"}, {"-", "job crash detected"}}));
}

TEST(TimescaleInformation, ShowsCompressionByRealSizes) {
  const Market market;
  // A row of the sample: 28 of overhead, 8 of the time, 5 and 3 of the texts with their headers, 7 of 187.15.
  const double row_bytes = plain_row_bytes(market.ohlcv(), market.facts.current_view());
  EXPECT_EQ(row_bytes, 28 + 8 + 5 + 3 + 7);
  // Of its two indexes, by three columns and by time: 24 and 16 for header and keys, 4 for the pointer, a
  // tenth of each page free.
  EXPECT_DOUBLE_EQ(plain_bytes(market.ohlcv(), market.facts.current_view()).index, (28 + 20) / 0.9);
  EXPECT_EQ(market.select(kInformation, "compressed_hypertable_stats",
                          {"hypertable_name", "hypertable_size", "compressed_total_size", "compression_ratio",
                           "total_chunks", "number_compressed_chunks"}),
            (Rows{{"ohlcv", "104333", "10000", "10.43", "2", "1"}}));
  EXPECT_EQ(call_table(market, "hypertable_compression_stats", {text("ohlcv")}),
            (Rows{{"2", "1", "51000", "53333", "0", "104333", "10000", "0", "0", "10000", "-"}}));
  const Rows chunks = call_table(market, "chunk_compression_stats", {text("ohlcv")});
  ASSERT_EQ(chunks.size(), 2U);
  EXPECT_EQ(chunks[0][2], "Compressed");
  EXPECT_EQ(chunks[1][2], "Uncompressed");
}

TEST(ShowChunks, TakesTimesAndIntervals) {
  const Market market;
  const std::string first = std::to_string(kFirstChunkOid | 3U), second = std::to_string(kFirstChunkOid | 7U);
  const Value none = Value::null_of(SqlType::of(TypeId::Text));
  EXPECT_EQ(call_table(market, "show_chunks", {text("ohlcv")}), (Rows{{first}, {second}}));
  EXPECT_EQ(call_table(market, "show_chunks", {text("ohlcv"), text("1970-01-08")}), (Rows{{first}}));
  EXPECT_EQ(call_table(market, "show_chunks", {text("public.ohlcv"), none, text("1970-01-08 00:00:00+00")}),
            (Rows{{second}}));
  EXPECT_EQ(call_table(market, "show_chunks", {text("ohlcv"), text("3 months")}).size(), 2U);
  EXPECT_TRUE(call_table(market, "show_chunks", {text("ohlcv"), none, text("3 months")}).empty());
}

TEST(ShowChunks, RefusesWhatItCannotMean) {
  const Market market;
  const auto code = [&](const std::vector<Value>& arguments) {
    try {
      call_table(market, "show_chunks", arguments);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::SuccessfulCompletion;
  };
  EXPECT_EQ(code({text("nothing")}), ErrorCode::UndefinedTable);
  EXPECT_EQ(code({text("positions")}), ErrorCode::HypertableNotExist);
  EXPECT_EQ(code({text("ohlcv"), text("soon")}), ErrorCode::InvalidParameterValue);
}

TEST(Sizes, CountChunks) {
  const Market market;
  EXPECT_EQ(market.call_text("hypertable_size", {text("ohlcv")}), "12000");
  EXPECT_EQ(market.call_text("pg_total_relation_size", {oid_argument(Market::kOhlcv)}), "12000");
  EXPECT_EQ(market.call_text("pg_relation_size", {text("_timescaledb_internal._hyper_1_7_chunk")}), "2000");
  EXPECT_EQ(market.call_text("pg_relation_size", {text("ohlcv_pkey")}), "0");
  EXPECT_EQ(market.call_text("pg_relation_size", {oid_argument(1)}), "-");
  EXPECT_EQ(market.call_text("approximate_row_count", {text("ohlcv")}), "1040");
  EXPECT_EQ(market.call_text("pg_database_size", {text("market")}), "12000");
  EXPECT_THROW(market.call("pg_database_size", {text("other")}), Error);
  EXPECT_EQ(call_table(market, "hypertable_detailed_size", {text("ohlcv")}),
            (Rows{{"12000", "0", "0", "12000", "-"}}));
}

TEST(PrettySize, PrintsAsPostgres) {
  EXPECT_EQ(pretty_size(0), "0 bytes");
  EXPECT_EQ(pretty_size(10239), "10239 bytes");
  EXPECT_EQ(pretty_size(10240), "10 kB");
  EXPECT_EQ(pretty_size(10485247), "10239 kB");
  EXPECT_EQ(pretty_size(10485248), "10 MB");
  EXPECT_EQ(pretty_size(1048576000), "1000 MB");
  EXPECT_EQ(pretty_size(-10240), "-10 kB");
  EXPECT_EQ(pretty_size(1234567890123), "1150 GB");
  EXPECT_EQ(pretty_size(99999999999999999), "89 PB");
}

}  // namespace
}  // namespace tickstone::catalog
