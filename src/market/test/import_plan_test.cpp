// SPDX-License-Identifier: Apache-2.0
#include "market/import_plan.hpp"

#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "types/copy_format.hpp"

namespace tickstone::market {
namespace {

const std::vector<ResultColumn> kTrades = {
    {"symbol", SqlType::of(TypeId::Text)},      {"timestamp", SqlType::of(TypeId::TimestampTz)},
    {"price", SqlType::of(TypeId::Numeric)},    {"size", SqlType::of(TypeId::Numeric)},
    {"exchange", SqlType::of(TypeId::Integer)}, {"conditions", SqlType::array_of(TypeId::Text)},
    {"id", SqlType::of(TypeId::BigInt)},        {"source", SqlType::of(TypeId::Text)}};

MappedColumn mapped(MappedColumn::Transform transform, const std::string& option = {}) {
  MappedColumn column;
  column.column = "c";
  column.transform = transform;
  if (transform == MappedColumn::Transform::Multiply) column.factor = Decimal::parse(option);
  if (transform == MappedColumn::Transform::LocalTime) column.zone = find_time_zone(option);
  return column;
}

std::string epoch(EpochUnit unit, const std::string& text, bool keeps_nanoseconds = false) {
  MappedColumn column = mapped(MappedColumn::Transform::Epoch);
  column.unit = unit;
  return transform_text(column, text, keeps_nanoseconds);
}

ErrorCode code_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::SuccessfulCompletion;
}

/// Lines of a file as COPY text of the table's columns.
std::string convert(const ImportPlan& plan, const std::string& csv,
                    std::vector<std::string>* reasons = nullptr) {
  CopyReader reader(CopyOptions::csv(), plan.fields(), "file");
  std::vector<std::uint64_t> lines;
  reader.set_line_numbers(&lines);
  Batch batch = reader.make_batch();
  reader.feed(csv, batch);
  reader.finish(batch);
  const Batch made = plan.convert(std::move(batch), lines, [&](const ImportPlan::BadRow& bad) {
    if (reasons != nullptr) reasons->push_back(std::to_string(bad.row) + ": " + bad.reason);
  });
  EXPECT_EQ(made.row_count(), lines.size());
  std::string out;
  CopyWriter(CopyOptions::text(), plan.columns()).append_batch(out, made);
  return out;
}

std::vector<ResultColumn> texts(const std::vector<std::string>& names) {
  std::vector<ResultColumn> columns;
  for (const auto& name : names) columns.push_back({name, {}});
  return columns;
}

TEST(ImportMapping, TellsTheUnitOfATimeFromItsSize) {
  for (const std::string text : {"1735689600", "1735689600000", "1735689600000000", "1735689600000000000"})
    EXPECT_EQ(epoch(EpochUnit::Auto, text), "2025-01-01 00:00:00+00") << text;
  EXPECT_EQ(epoch(EpochUnit::Seconds, "1735689600.25"), "2025-01-01 00:00:00.25+00");
}

TEST(ImportMapping, ANanosecondLiesInTheMicrosecondThatHasBegun) {
  EXPECT_EQ(epoch(EpochUnit::Nanoseconds, "1735689600123456999"), "2025-01-01 00:00:00.123456+00");
  EXPECT_EQ(epoch(EpochUnit::Nanoseconds, "1735689600123456999", true), "2025-01-01 00:00:00.123456999+00");
  EXPECT_EQ(epoch(EpochUnit::Nanoseconds, "-1"), "1969-12-31 23:59:59.999999+00");
}

TEST(ImportMapping, RefusesTimesThatAreNone) {
  EXPECT_EQ(code_of([] { epoch(EpochUnit::Auto, "soon"); }), ErrorCode::InvalidTextRepresentation);
  EXPECT_EQ(code_of([] { epoch(EpochUnit::Seconds, "99999999999999999999999999999999999999"); }),
            ErrorCode::DatetimeFieldOverflow);
  EXPECT_EQ(code_of([] { epoch(EpochUnit::Seconds, "9224318016000"); }), ErrorCode::DatetimeFieldOverflow);
  EXPECT_EQ(code_of([] { epoch(EpochUnit::Nanoseconds, "9300000000000000000", true); }),
            ErrorCode::DatetimeFieldOverflow);
}

TEST(ImportMapping, TransformsTexts) {
  using Transform = MappedColumn::Transform;
  EXPECT_EQ(transform_text(mapped(Transform::Multiply, "0.0001"), "1872500", false), "187.25");
  EXPECT_EQ(transform_text(mapped(Transform::LocalTime, "America/New_York"), "2026-01-05 09:30:00", false),
            "2026-01-05 14:30:00+00");
  EXPECT_EQ(transform_text(mapped(Transform::List), "12, 37", false), R"({"12","37"})");
  EXPECT_EQ(transform_text(mapped(Transform::List), "", false), "{}");
  EXPECT_EQ(transform_text(mapped(Transform::Upper), "btcUsdt", false), "BTCUSDT");
}

TEST(ImportMapping, ReadsAFileAndSaysWhatIsWrongWithAnother) {
  const auto mapping = parse_import_mapping(
      R"({"columns": {"symbol": {"constant": "ES"}, "price": {"from": "px", "multiply": "0.25"}, "id": {"line": true}},
          "delimiter": ";", "header": false, "fields": ["px", "t"]})");
  EXPECT_EQ(mapping.columns.size(), 3U);
  EXPECT_EQ(mapping.find("price")->factor, Decimal::parse("0.25"));
  EXPECT_EQ(mapping.delimiter, ';');
  for (const std::string text :
       {"", "[]", R"({"column": {}})", R"({"columns": {"a": {}}})",
        R"({"columns": {"a": {"from": "x", "line": true}}})",
        R"({"columns": {"a": {"from": "x", "unit": "h"}}})",
        R"({"columns": {"a": {"from": "x", "zone": "Mars/Base"}}})",
        R"({"columns": {"a": {"from": "x", "unit": "s", "upper": true}}})", R"({"delimiter": "ab"})"}) {
    EXPECT_EQ(code_of([&] { parse_import_mapping(text); }), ErrorCode::InvalidParameterValue) << text;
  }
}

TEST(ImportFormat, ReadsAFileName) {
  const auto bars = facts_of_file_name("data/spot/BTCUSDT-1m-2025-01-05.zip");
  EXPECT_EQ(bars.symbol, "BTCUSDT");
  EXPECT_EQ(bars.interval, "1m");
  const auto trades = facts_of_file_name("ETHUSDT-trades-2025-01.csv");
  EXPECT_EQ(trades.symbol, "ETHUSDT");
  EXPECT_FALSE(trades.interval);
  EXPECT_FALSE(facts_of_file_name("2024-04-05.csv.gz").symbol);
}

TEST(ImportFormat, PolygonTrades) {
  const auto fields =
      texts({"ticker", "conditions", "correction", "exchange", "id", "participant_timestamp", "price",
             "sequence_number", "sip_timestamp", "size", "tape", "trf_id", "trf_timestamp"});
  ImportMapping mapping = import_format("polygon-trades").mapping;
  const ImportPlan plan(mapping, fields, kTrades, "trades", {});
  EXPECT_EQ(convert(plan,
                    "A,\"12,37\",0,11,52983,1712306654208705342,142.99,3807,1712306654208740096,5,1,0,0\n"
                    "A,,0,11,52984,1712306654429439337,143,3809,1712306654429468160,187,1,0,0\n"),
            "A\t2024-04-05 08:44:14.20874+00\t142.99\t5\t11\t{\"12\",\"37\"}\t3807\tpolygon\n"
            "A\t2024-04-05 08:44:14.429468+00\t143\t187\t11\t\\N\t3809\tpolygon\n");
  // Options have no sequence numbers: the line stands for it.
  const auto fewer = texts({"ticker", "conditions", "correction", "exchange", "participant_timestamp",
                            "price", "sip_timestamp", "size"});
  const ImportPlan options(mapping, fewer, kTrades, "trades", {});
  EXPECT_EQ(convert(options, "O:A260116C00150000,227,0,312,0,1.05,1712306654208740096,2\n"),
            "O:A260116C00150000\t2024-04-05 08:44:14.20874+00\t1.05\t2\t312\t{\"227\"}\t1\tpolygon\n");
}

TEST(ImportFormat, BinanceTradesOfBothUnits) {
  const auto& format = import_format("binance-trades");
  const ImportPlan plan(format.mapping, texts(format.fields), kTrades, "trades",
                        facts_of_file_name("BTCUSDT-trades-2025-01-01.zip"));
  EXPECT_EQ(convert(plan,
                    "51175358,17.80180000,5.69,101.2,1583709433583,True,True\n"
                    "51175359,93576.01,0.0005,46.7,1735689600012345,False,True\n"),
            "BTCUSDT\t2020-03-08 23:17:13.583+00\t17.8018\t5.69\t51175358\tbinance\n"
            "BTCUSDT\t2025-01-01 00:00:00.012345+00\t93576.01\t0.0005\t51175359\tbinance\n");
  EXPECT_EQ(code_of([&] { ImportPlan(format.mapping, texts(format.fields), kTrades, "trades", {}); }),
            ErrorCode::InvalidParameterValue);
}

TEST(ImportPlan, LeavesOutRowsThatCannotBeConverted) {
  ImportMapping mapping;
  mapping.set(
      {"timestamp", MappedColumn::Source::Field, "t", MappedColumn::Transform::Epoch, EpochUnit::Seconds});
  const ImportPlan plan(mapping, texts({"symbol", "t", "price"}), kTrades, "trades", {});
  std::vector<std::string> reasons;
  EXPECT_EQ(convert(plan, "A,1,5\nB,x,6\nC,2,7\n", &reasons),
            "A\t1970-01-01 00:00:01+00\t5\nC\t1970-01-01 00:00:02+00\t7\n");
  ASSERT_EQ(reasons.size(), 1U);
  EXPECT_EQ(reasons[0], "1: invalid input syntax for type numeric: \"x\" (column timestamp: \"x\")");
}

TEST(ImportPlan, OneFieldCanGoToTwoColumns) {
  ImportMapping mapping;
  mapping.set({"price", MappedColumn::Source::Field, "n"});
  mapping.set({"size", MappedColumn::Source::Field, "n"});
  const ImportPlan plan(mapping, texts({"symbol", "n", "other"}), kTrades, "trades", {});
  EXPECT_EQ(convert(plan, "A,5,x\n"), "A\t5\t5\n");
  EXPECT_EQ(plan.unused_fields(), std::vector<std::string>{"other"});
}

TEST(ImportPlan, RefusesWhatIsNotThere) {
  ImportMapping mapping;
  mapping.set({"price", MappedColumn::Source::Field, "nosuch"});
  EXPECT_EQ(code_of([&] { ImportPlan(mapping, texts({"symbol"}), kTrades, "trades", {}); }),
            ErrorCode::UndefinedColumn);
  EXPECT_EQ(code_of([&] {
              ImportPlan({}, texts({"a", "b"}), kTrades, "trades", {});
            }),
            ErrorCode::UndefinedColumn);
}

}  // namespace
}  // namespace tickstone::market
