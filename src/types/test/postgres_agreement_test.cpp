// SPDX-License-Identifier: Apache-2.0
// The tables of postgres15/ hold what PostgreSQL answered; here the same questions are put to this module.
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "types/value.hpp"

namespace tickstone {
namespace {

std::vector<std::vector<std::string>> read_table(const std::string& name) {
  std::ifstream file(std::string(TICKSTONE_TYPES_TEST_DIRECTORY) + "/postgres15/" + name);
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    std::vector<std::string> fields(1);
    for (const char c : line) {
      if (c == '\t') {
        fields.emplace_back();
      } else {
        fields.back().push_back(c);
      }
    }
    rows.push_back(std::move(fields));
  }
  return rows;
}

/// `numeric(5,2)`, `char(3)`, `text[]`, as the tables write types.
SqlType type_of(std::string text) {
  SqlType type;
  if (text.size() > 2 && text.substr(text.size() - 2) == "[]") {
    type.is_array = true;
    text.resize(text.size() - 2);
  }
  if (const auto open = text.find('('); open != std::string::npos) {
    const std::string modifiers = text.substr(open + 1);
    type.precision = static_cast<std::int16_t>(std::stoi(modifiers));
    if (const auto comma = modifiers.find(','); comma != std::string::npos) {
      type.scale = static_cast<std::int16_t>(std::stoi(modifiers.substr(comma + 1)));
    }
    text.resize(open);
  }
  if (text == "char") text = "bpchar";
  const auto id = type_id_from_name(text);
  EXPECT_TRUE(id.has_value()) << text;
  type.id = id.value_or(TypeId::Text);
  return type;
}

/// What a cast to text shows of a value.
std::string shown(const Value& value, const FormatContext& context) {
  if (value.type.id == TypeId::Boolean && !value.type.is_array) return value.integer != 0 ? "true" : "false";
  return to_text(value, context);
}

std::string answer(const std::string& type, const std::string& text, const FormatContext& context) {
  try {
    const auto arrow = type.find("->");
    if (arrow == std::string::npos) return shown(parse_value(type_of(type), text, context), context);
    const auto source = parse_value(type_of(type.substr(0, arrow)), text, context);
    return shown(cast_value(source, type_of(type.substr(arrow + 2)), CastStrength::Explicit, context),
                 context);
  } catch (const Error& error) {
    std::string shown_error = "ERR " + std::string(sqlstate(error.code())) + " " + error.what();
    if (!error.hint().empty()) shown_error += " HINT " + error.hint();
    if (!error.detail().empty()) shown_error += " DETAIL " + error.detail();
    return shown_error;
  }
}

void expect_agreement(const std::string& table, std::size_t least_rows) {
  const auto rows = read_table(table);
  EXPECT_GE(rows.size(), least_rows);
  for (const auto& row : rows) {
    ASSERT_EQ(row.size(), 4U) << table;
    FormatContext context;
    context.zone = find_session_time_zone(row[0]);
    ASSERT_NE(context.zone, nullptr) << row[0];
    EXPECT_EQ(answer(row[1], row[2], context), row[3]) << row[1] << " of '" << row[2] << "' in " << row[0];
  }
}

TEST(PostgresAgreement, TextsOfDatesAndTimes) { expect_agreement("datetime_text.tsv", 1300); }
TEST(PostgresAgreement, TextsOfOtherTypes) { expect_agreement("value_text.tsv", 650); }
TEST(PostgresAgreement, Casts) { expect_agreement("cast.tsv", 400); }

TEST(PostgresAgreement, TextsThatAreNearlyRight) { expect_agreement("near_misses.tsv", 1000); }

TEST(PostgresAgreement, TimeZones) {
  const auto rows = read_table("time_zone.tsv");
  EXPECT_GE(rows.size(), 400U);
  for (const auto& row : rows) {
    ASSERT_EQ(row.size(), 5U);
    const auto* zone = row[0] == "add" ? find_session_time_zone(row[1]) : find_time_zone(row[1]);
    if (row[4] == "ERR") {
      EXPECT_EQ(zone, nullptr) << row[1];
      continue;
    }
    ASSERT_NE(zone, nullptr) << row[1];
    std::string shown_time;
    if (row[0] == "utc") {
      const auto us = *parse_timestamptz(row[2], utc_zone());
      append_timestamp(shown_time, us + zone->offset_seconds_at_utc(us) * kMicrosPerSecond);
    } else if (row[0] == "local") {
      append_timestamptz(shown_time, zone->to_utc_us(*parse_timestamp(row[2])), utc_zone());
    } else {
      append_timestamptz(
          shown_time, add_interval(*parse_timestamptz(row[2], *zone), *parse_interval(row[3]), *zone), *zone);
    }
    EXPECT_EQ(shown_time, row[4]) << row[0] << ' ' << row[1] << ' ' << row[2] << ' ' << row[3];
  }
}

TEST(PostgresAgreement, CastRules) {
  const auto rows = read_table("pg_cast.tsv");
  EXPECT_GE(rows.size(), 90U);
  for (const auto& row : rows) {
    ASSERT_EQ(row.size(), 3U);
    auto from = type_of(row[0]);
    auto to = type_of(row[1]);
    EXPECT_EQ(can_cast(from, to, CastStrength::Implicit), row[2] == "i") << row[0] << " to " << row[1];
    EXPECT_EQ(can_cast(from, to, CastStrength::Assignment), row[2] != "e") << row[0] << " to " << row[1];
    EXPECT_TRUE(can_cast(from, to, CastStrength::Explicit)) << row[0] << " to " << row[1];
  }
}

}  // namespace
}  // namespace tickstone
