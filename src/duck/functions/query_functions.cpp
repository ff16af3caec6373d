// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include <fmt/format.h>

#include "duck/functions/functions.hpp"
#include "duck/functions/scalar_builder.hpp"
#include "duck/functions/time_arithmetic.hpp"
#include "types/regex_text.hpp"
#include "types/utf8.hpp"

namespace tickstone::duck {

namespace {

using duckdb::LogicalType;
using duckdb::Value;

double fraction_of(const Value& value) {
  const double fraction = value.GetValue<double>();
  if (!(fraction >= 0 && fraction <= 1)) {
    throw Error(ErrorCode::NumericValueOutOfRange,
                fmt::format("percentile value {} is not between 0 and 1", fraction));
  }
  return fraction;
}

/// Between two neighbours of a sorted list.
Value interval_at(const Value& list, const Value& fraction_value) {
  if (fraction_value.IsNull() || list.IsNull()) return Value(LogicalType::INTERVAL);
  const auto& values = duckdb::ListValue::GetChildren(list);
  const double fraction = fraction_of(fraction_value);
  if (values.empty()) return Value(LogicalType::INTERVAL);
  const double place = fraction * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(place));
  const auto above = static_cast<std::size_t>(std::ceil(place));
  if (below == above) return values[below];
  auto low = values[below].GetValue<duckdb::interval_t>();
  const auto high = values[above].GetValue<duckdb::interval_t>();
  const duckdb::interval_t step = scaled_interval(
      {high.months - low.months, high.days - low.days, high.micros - low.micros}, place - std::floor(place));
  low.months += step.months;
  low.days += step.days;
  low.micros += step.micros;
  return Value::INTERVAL(low);
}

Value intervals_at(const Value& list, const Value& fractions) {
  duckdb::vector<Value> out;
  for (const Value& fraction : duckdb::ListValue::GetChildren(fractions))
    out.push_back(interval_at(list, fraction));
  return Value::LIST(LogicalType::INTERVAL, std::move(out));
}

std::string regex_of(const Value& pattern, const Value& escape_value) {
  const std::string& escape = duckdb::StringValue::Get(escape_value);
  if (utf8_length(escape) > 1) {
    throw Error(ErrorCode::InvalidParameterValue, "invalid escape string", {},
                "Escape string must be empty or one character.");
  }
  if (escape.size() > 1)
    throw Error(ErrorCode::FeatureNotSupported, "an escape character that is not ASCII is not supported");
  return similar_regex(duckdb::StringValue::Get(pattern), escape.empty() ? '\0' : escape[0]);
}

std::int64_t count_of(const Value& length) { return length.IsNull() ? 0 : length.GetValue<std::int64_t>(); }

std::int64_t checked_place(const Value& value, std::int64_t length) {
  constexpr std::int64_t kMostElements = 134'217'727;
  if (value.IsNull())
    throw Error(ErrorCode::NullValueNotAllowed, "array subscript in assignment must not be null");
  const auto place = value.GetValue<std::int64_t>();
  if (place > kMostElements) {
    throw Error(ErrorCode::ProgramLimitExceeded,
                fmt::format("array size exceeds the maximum allowed ({})", kMostElements));
  }
  if (place < 1 || (length == 0 && place > 1))
    throw Error(ErrorCode::FeatureNotSupported, "an array with a lower bound is not supported");
  return place;
}

}  // namespace

void register_query_functions(FunctionCatalog& catalog) {
  const LogicalType text = LogicalType::VARCHAR;
  const LogicalType intervals = LogicalType::LIST(LogicalType::INTERVAL);
  // A count of FETCH FIRST or OFFSET; the second argument says which.
  ScalarBuilder("pg_row_count")
      .boxed({LogicalType::BIGINT, text}, LogicalType::BIGINT,
             [](const auto& values, auto&) {
               if (values[0].template GetValue<std::int64_t>() >= 0) return values[0];
               const std::string word = values[1].ToString();
               throw Error(
                   word == "LIMIT" ? ErrorCode::InvalidRowCountInLimit : ErrorCode::InvalidRowCountInOffset,
                   word + " must not be negative");
             })
      .replace_in(catalog);
  ScalarBuilder("pg_interval_percentile")
      .boxed_with_nulls({intervals, LogicalType::DOUBLE}, LogicalType::INTERVAL,
                        [](const auto& values, auto&) { return interval_at(values[0], values[1]); })
      .boxed({intervals, LogicalType::LIST(LogicalType::DOUBLE)}, intervals,
             [](const auto& values, auto&) { return intervals_at(values[0], values[1]); })
      .replace_in(catalog);
  // How many numbers a series of NUMERIC has at most.
  ScalarBuilder("pg_series_count")
      .boxed({LogicalType::DOUBLE}, LogicalType::BIGINT,
             [](const auto& values, auto&) {
               constexpr double kMost = 1e8;
               const double steps = values[0].template GetValue<double>();
               if (steps > kMost)
                 throw Error(ErrorCode::ProgramLimitExceeded,
                             "a series of numeric has at most 100 million rows");
               return Value::BIGINT(steps < 0 ? 0 : static_cast<std::int64_t>(std::floor(steps)) + 1);
             })
      .replace_in(catalog);
  ScalarBuilder("pg_series_step")
      .boxed({LogicalType::DOUBLE}, LogicalType::BOOLEAN,
             [](const auto& values, auto&) {
               const double step = values[0].template GetValue<double>();
               if (step == 0) throw Error(ErrorCode::InvalidParameterValue, "step size cannot equal zero");
               return Value::BOOLEAN(step > 0);
             })
      .replace_in(catalog);
  // Where an element is assigned to, of an array of that length; of a slice, its end.
  const LogicalType bigint = LogicalType::BIGINT;
  ScalarBuilder("pg_array_place")
      .boxed_with_nulls({bigint, bigint}, bigint,
                        [](const auto& values, auto&) {
                          return Value::BIGINT(checked_place(values[0], count_of(values[1])));
                        })
      .replace_in(catalog);
  ScalarBuilder("pg_array_slice")
      .boxed_with_nulls(
          {bigint, bigint, bigint, bigint, LogicalType::BOOLEAN}, bigint,
          [](const auto& values, auto&) {
            const std::int64_t length = count_of(values[2]);
            if (length == 0 && values[4].template GetValue<bool>())
              throw Error(ErrorCode::InvalidParameterValue,
                          "array slice subscript must provide both boundaries",
                          "When assigning to a slice of an empty array value, slice boundaries must be "
                          "fully specified.");
            const std::int64_t first = checked_place(values[0], length);
            if (values[1].IsNull()) checked_place(values[1], length);
            const auto last = values[1].template GetValue<std::int64_t>();
            if (last < first)
              throw Error(ErrorCode::InvalidParameterValue, "upper bound cannot be less than lower bound");
            if (count_of(values[3]) < last - first + 1)
              throw Error(ErrorCode::InvalidParameterValue, "source array too small");
            return Value::BIGINT(last);
          })
      .replace_in(catalog);
  // In the place of a materialized view without rows.
  ScalarBuilder("pg_unpopulated")
      .boxed({text}, LogicalType::BOOLEAN,
             [](const auto& values, auto&) -> Value {
               throw Error(
                   ErrorCode::ObjectNotInPrerequisiteState,
                   fmt::format("materialized view \"{}\" has not been populated", values[0].ToString()), {},
                   "Use the REFRESH MATERIALIZED VIEW command.");
             })
      .not_foldable()
      .replace_in(catalog);
  // The pattern of SIMILAR TO as a regular expression of RE2's, or of PostgreSQL's.
  ScalarBuilder("pg_similar_pattern")
      .boxed({text, text}, text,
             [](const auto& values, auto&) { return Value(regex_for_re2(regex_of(values[0], values[1]))); })
      .replace_in(catalog);
  ScalarBuilder("pg_similar_regex")
      .boxed({text, text}, text,
             [](const auto& values, auto&) { return Value(regex_of(values[0], values[1])); })
      .replace_in(catalog);
}

}  // namespace tickstone::duck
