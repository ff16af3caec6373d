// SPDX-License-Identifier: Apache-2.0
#include "market/batch_lookup.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "market/batch_cells.hpp"
#include "market/connection.hpp"

namespace tickstone::market {
namespace {

constexpr std::size_t kKeysAtOnce = 1000;      // of arrays
constexpr std::size_t kRangeRowsMin = 64;      // of a series, from which its range is read
constexpr std::size_t kRangeReadRows = 4096;   // at once, at most
constexpr std::size_t kRangeSlackRows = 16;    // read beyond those wanted
constexpr std::size_t kSparseKeys = 64;        // looked up where few of a range are wanted
constexpr std::size_t kCombinationsMin = 256;  // of values, that are no loss even when few are wanted

std::string parameter(std::size_t number) { return "$" + std::to_string(number); }

std::string name_of(const BatchTable& table, std::size_t column) {
  return quote_name(table.columns[column].name);
}

std::string names_of(const BatchTable& table, const std::vector<std::size_t>& columns) {
  std::string text;
  for (const auto c : columns) text += (text.empty() ? "" : ", ") + name_of(table, c);
  return text;
}

std::string conditions(const BatchTable& table, const std::vector<std::size_t>& columns) {
  std::string text;
  for (std::size_t i = 0; i < columns.size(); ++i)
    text += (i == 0 ? "" : " AND ") + name_of(table, columns[i]) + " = " + parameter(i + 1);
  return text;
}

/// `$2::text[]`.
std::string array_parameter(const BatchTable& table, std::size_t number, std::size_t column) {
  return parameter(number) + "::" + std::string(sql_name(table.columns[column].kind)) + "[]";
}

/// `unnest($1::text[], $2::text[])`.
std::string unnest(const BatchTable& table, const std::vector<std::size_t>& columns) {
  std::string text;
  for (std::size_t i = 0; i < columns.size(); ++i)
    text += (i == 0 ? "" : ", ") + array_parameter(table, i + 1, columns[i]);
  return "unnest(" + text + ")";
}

Parameters cells_of(const BatchRow& row, const std::vector<std::size_t>& columns) {
  Parameters cells;
  for (const auto c : columns) cells.push_back(row.cells[c]);
  return cells;
}

/// An array for each column.
template <typename Rows>
Parameters arrays_of(const Rows& rows, const std::vector<std::size_t>& columns) {
  Parameters arrays;
  for (const auto c : columns) {
    Parameter::Array values;
    for (const BatchRow* row : rows) values.push_back(row->cells[c]);
    arrays.emplace_back(values);
  }
  return arrays;
}

std::string newest_by_keys(const BatchTable& table) {
  std::vector<std::size_t> columns = table.series;
  columns.push_back(*table.time);
  std::string names, series;
  for (std::size_t i = 0; i < table.series.size(); ++i) {
    names += "s" + std::to_string(i) + ", ";
    series += name_of(table, table.series[i]) + " = s" + std::to_string(i) + " AND ";
  }
  const std::string time = name_of(table, *table.time);
  return "SELECT wanted.position, newest.at FROM " + unnest(table, columns) + " WITH ORDINALITY AS wanted(" +
         names + "since, position) CROSS JOIN LATERAL (SELECT " + time + " AS at FROM " +
         quote_name(table.name) + " WHERE " + series + time + " >= since ORDER BY " + time +
         " DESC LIMIT 1) AS newest";
}

std::string newest_by_values(const BatchTable& table) {
  std::string any;
  for (std::size_t i = 0; i < table.series.size(); ++i) {
    any += name_of(table, table.series[i]) + " = ANY(" + array_parameter(table, i + 1, table.series[i]) +
           ") AND ";
  }
  const std::string time = name_of(table, *table.time);
  const std::string series = names_of(table, table.series);
  return "SELECT DISTINCT ON (" + series + ") " + series + ", " + time + " FROM " + quote_name(table.name) +
         " WHERE " + any + time + " >= " + parameter(table.series.size() + 1) + " ORDER BY " + series + ", " +
         time + " DESC";
}

void gather(const BatchTable& table, StoredRows& stored, const DataFrame& frame) {
  for (std::size_t row = 0; row < frame.row_count(); ++row) {
    Parameters cells = cells_from(table, frame, row);
    std::string order = order_of(table, cells).bytes;
    stored.insert_or_assign(std::move(order), std::move(cells));
  }
}

}  // namespace

Timestamp time_of(const BatchTable& table, const BatchRow& row) {
  return std::get<Timestamp>(row.cells[*table.time].content());
}

BatchLookup::BatchLookup(const BatchTable& table) : table_(table) {
  const std::string name = quote_name(table_.name);
  std::string columns;
  for (std::size_t c = 0; c < table_.columns.size(); ++c)
    columns += (c == 0 ? "" : ", ") + name_of(table_, c);
  const std::string select = "SELECT " + columns + " FROM " + name + " WHERE ";
  point_sql_ = select + conditions(table_, table_.key);
  keys_sql_ =
      select +
      (table_.key.size() == 1
           ? name_of(table_, table_.key[0]) + " = ANY(" + array_parameter(table_, 1, table_.key[0]) + ")"
           : "(" + names_of(table_, table_.key) + ") IN (SELECT * FROM " + unnest(table_, table_.key) + ")");
  if (!table_.time) return;
  const std::string time = name_of(table_, *table_.time);
  const std::string series = conditions(table_, table_.series) + (table_.series.empty() ? "" : " AND ");
  const std::string from = parameter(table_.series.size() + 1);
  const std::string to = parameter(table_.series.size() + 2);
  const std::string limit = parameter(table_.series.size() + 3);
  newest_sql_ = "SELECT " + time + " FROM " + name + " WHERE " + series + time + " >= " + from +
                " ORDER BY " + time + " DESC LIMIT 1";
  range_sql_ = select + series + time + " >= " + from + " AND " + time + " <= " + to + " ORDER BY " + time +
               " LIMIT " + limit;
  instant_sql_ = select + series + time + " = " + from;
  newest_keys_ = newest_by_keys(table_);
  newest_any_ = newest_by_values(table_);
}

void BatchLookup::read_newest(Executor& executor, std::span<SeriesRows> series) const {
  if (series.size() == 1) return read_newest_of_one(executor, series.front());
  const bool is_ours = executor.home() == Home::Embedded || executor.home() == Home::Tickstone;
  for (; !series.empty(); series = series.subspan(std::min(kKeysAtOnce, series.size()))) {
    const auto part = series.first(std::min(kKeysAtOnce, series.size()));
    if (!is_ours) {
      read_newest_by_keys(executor, part);
      continue;
    }
    Series wanted;
    for (auto& one : part) wanted.push_back(&one);
    read_newest_by_values(executor, wanted);
  }
}

void BatchLookup::read_newest_of_one(Executor& executor, SeriesRows& series) const {
  Parameters parameters = cells_of(series.rows.front(), table_.series);
  parameters.emplace_back(time_of(table_, series.rows.front()));
  const DataFrame frame = executor.get_dataframe(newest_sql_, parameters);
  if (!frame.is_empty()) series.newest = frame.get<Timestamp>(0, 0);
}

/// One descent of the index for each series: what PostgreSQL is good at.
void BatchLookup::read_newest_by_keys(Executor& executor, std::span<SeriesRows> series) const {
  std::vector<const BatchRow*> first_rows;
  for (const auto& one : series) first_rows.push_back(&one.rows.front());
  std::vector<std::size_t> columns = table_.series;
  columns.push_back(*table_.time);
  const DataFrame frame = executor.get_dataframe(newest_keys_, arrays_of(first_rows, columns));
  for (std::size_t row = 0; row < frame.row_count(); ++row) {
    const auto position = static_cast<std::size_t>(frame.get<std::int64_t>(row, 0));
    series[position - 1].newest = frame.get<Timestamp>(row, 1);
  }
}

/// DISTINCT ON the series' columns, which Tickstone reads series by series from the newest row on.
void BatchLookup::read_newest_by_values(Executor& executor, const Series& series) const {
  std::vector<std::map<std::string, Series>> by_value(table_.series.size());
  std::size_t combinations = 1;
  for (std::size_t i = 0; i < by_value.size(); ++i) {
    for (SeriesRows* one : series)
      by_value[i][one->rows.front().cells[table_.series[i]].to_text().value_or("")].push_back(one);
    combinations *= by_value[i].size();
  }
  if (combinations > std::max(kCombinationsMin, 2 * series.size())) {
    // Most combinations are not wanted: by the values of one column, if that says anything.
    const auto fewest = std::ranges::min_element(
        by_value, {}, [](const auto& values) { return values.size() == 1 ? SIZE_MAX : values.size(); });
    for (const auto& [value, part] : *fewest) read_newest_by_values(executor, part);
    return;
  }
  Timestamp since = kInfinity;
  std::unordered_map<std::string_view, SeriesRows*> by_series;
  for (SeriesRows* one : series) {
    const BatchRow& first = one->rows.front();
    since = std::min(since, time_of(table_, first));
    by_series[std::string_view(first.order).substr(0, first.series)] = one;
  }
  Parameters parameters;
  for (std::size_t i = 0; i < by_value.size(); ++i) {
    Parameter::Array values;
    for (const auto& [text, part] : by_value[i])
      values.push_back(part.front()->rows.front().cells[table_.series[i]]);
    parameters.emplace_back(values);
  }
  parameters.emplace_back(since);
  const DataFrame frame = executor.get_dataframe(newest_any_, parameters);
  for (std::size_t row = 0; row < frame.row_count(); ++row) {
    const auto found = by_series.find(series_of(table_, frame, row));
    if (found == by_series.end()) continue;
    const auto newest = frame.get<Timestamp>(row, table_.series.size());
    if (newest >= time_of(table_, found->second->rows.front())) found->second->newest = newest;
  }
}

StoredRows BatchLookup::read_stored(Executor& executor,
                                    std::span<const std::span<const BatchRow>> parts) const {
  StoredRows stored;
  std::vector<const BatchRow*> keys;
  for (const auto part : parts) {
    if (table_.time && part.size() >= kRangeRowsMin) {
      read_range(executor, stored, part);
    } else {
      for (const auto& row : part) keys.push_back(&row);
    }
  }
  read_keys(executor, stored, keys);
  return stored;
}

void BatchLookup::read_keys(Executor& executor, StoredRows& stored,
                            std::span<const BatchRow* const> rows) const {
  if (rows.size() == 1) {
    return gather(table_, stored, executor.get_dataframe(point_sql_, cells_of(*rows.front(), table_.key)));
  }
  for (; !rows.empty(); rows = rows.subspan(std::min(kKeysAtOnce, rows.size()))) {
    const auto part = rows.first(std::min(kKeysAtOnce, rows.size()));
    gather(table_, stored, executor.get_dataframe(keys_sql_, arrays_of(part, table_.key)));
  }
}

/// Reads on from the first row not yet decided, so that what lies between rows is passed over; where that is
/// much, key by key.
void BatchLookup::read_range(Executor& executor, StoredRows& stored, std::span<const BatchRow> rows) const {
  const auto count_before = [&](Timestamp time) {
    const auto is_before = [&](const BatchRow& row) { return time_of(table_, row) < time; };
    return static_cast<std::size_t>(std::ranges::partition_point(rows, is_before) - rows.begin());
  };
  while (!rows.empty()) {
    const std::size_t limit = std::min(kRangeReadRows, 2 * rows.size() + kRangeSlackRows);
    Parameters parameters = cells_of(rows.front(), table_.series);
    parameters.insert(parameters.end(), {time_of(table_, rows.front()), time_of(table_, rows.back()), limit});
    const DataFrame frame = executor.get_dataframe(range_sql_, parameters);
    gather(table_, stored, frame);
    if (frame.row_count() < limit) return;
    // The read was cut, perhaps within its last time.
    const auto last = frame.get<Timestamp>(frame.row_count() - 1, *table_.time);
    std::size_t decided = count_before(last);
    if (decided == 0) {  // more rows at one time than were read
      parameters.resize(table_.series.size() + 1);
      gather(table_, stored, executor.get_dataframe(instant_sql_, parameters));
      decided = count_before(last + std::chrono::microseconds{1});
    }
    rows = rows.subspan(decided);
    if (decided < limit / 8) {
      std::vector<const BatchRow*> keys;
      for (const auto& row : rows.first(std::min(rows.size(), kSparseKeys))) keys.push_back(&row);
      read_keys(executor, stored, keys);
      rows = rows.subspan(keys.size());
    }
  }
}

}  // namespace tickstone::market
