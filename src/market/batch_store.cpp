// SPDX-License-Identifier: Apache-2.0
#include "market/batch_store.hpp"

#include <algorithm>
#include <span>
#include <unordered_map>

#include <tickstone/error.hpp>

#include "market/batch_cells.hpp"
#include "market/connection.hpp"

namespace tickstone::market {
namespace {

constexpr std::size_t kInsertSizes[] = {256, 64, 16, 4, 1};
constexpr std::size_t kCopyRowsMin = 1000;    // new rows from which COPY pays
constexpr std::size_t kPointReadsMax = 2;     // of a series, before one read of its range
constexpr std::size_t kRangeReadRows = 4096;  // at once, at most
constexpr std::size_t kRangeSlackRows = 16;   // read beyond those wanted
constexpr std::size_t kSparsePointReads = 64;
constexpr std::size_t kKeysAtOnce = 1000;  // of an array
constexpr std::size_t kCopyChunkBytes = 1 << 20;

/// Of what a server says about a row; all else is about the statement or the server.
bool is_about_rows(const Error& error) {
  const auto state = sqlstate(error.code());
  return state.starts_with("22") || state.starts_with("23") ||
         error.code() == ErrorCode::ProgramLimitExceeded;
}

std::string conditions(const BatchTable& table, const std::vector<std::size_t>& columns) {
  std::string text;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) text += " AND ";
    text += quote_name(table.columns[columns[i]].name) + " = $" + std::to_string(i + 1);
  }
  return text;
}

std::string column_list(const BatchTable& table) {
  std::string text;
  for (const auto& column : table.columns) {
    if (!text.empty()) text += ", ";
    text += quote_name(column.name);
  }
  return text;
}

}  // namespace

BatchStore::BatchStore(BatchTable table) : table_(std::move(table)) {
  const std::string name = quote_name(table_.name);
  const std::string select = "SELECT " + column_list(table_) + " FROM " + name + " WHERE ";
  point_sql_ = select + conditions(table_, table_.key);
  any_sql_ = select + quote_name(table_.columns[table_.key[0]].name) +
             " = ANY($1::" + std::string(sql_name(table_.columns[table_.key[0]].kind)) + "[])";
  if (table_.time) {
    const std::string time = quote_name(table_.columns[*table_.time].name);
    const std::string series = conditions(table_, table_.series) + (table_.series.empty() ? "" : " AND ");
    const std::string from = "$" + std::to_string(table_.series.size() + 1);
    const std::string to = "$" + std::to_string(table_.series.size() + 2);
    const std::string limit = "$" + std::to_string(table_.series.size() + 3);
    newest_sql_ = "SELECT " + time + " FROM " + name + " WHERE " + series + time + " >= " + from +
                  " ORDER BY " + time + " DESC LIMIT 1";
    range_sql_ = select + series + time + " >= " + from + " AND " + time + " <= " + to + " ORDER BY " + time +
                 " LIMIT " + limit;
    instant_sql_ = select + series + time + " = " + from;
  }
  copy_sql_ = "COPY " + name + " (" + column_list(table_) + ") FROM STDIN";
  for (const auto rows : kInsertSizes) inserts_.push_back({rows, insert_sql(rows)});
}

std::string BatchStore::insert_sql(std::size_t row_count) const {
  std::string sql = "INSERT INTO " + quote_name(table_.name) + " (" + column_list(table_) + ") VALUES ";
  std::size_t parameter = 0;
  for (std::size_t row = 0; row < row_count; ++row) {
    sql += row == 0 ? "(" : ", (";
    for (std::size_t c = 0; c < table_.columns.size(); ++c)
      sql += (c == 0 ? "$" : ", $") + std::to_string(++parameter);
    sql += ')';
  }
  sql += " ON CONFLICT (";
  for (std::size_t i = 0; i < table_.key.size(); ++i)
    sql += (i == 0 ? "" : ", ") + quote_name(table_.columns[table_.key[i]].name);
  sql += ") DO ";
  std::string changes;
  for (std::size_t c = 0; c < table_.columns.size(); ++c) {
    if (std::ranges::find(table_.key, c) != table_.key.end()) continue;
    const std::string column = quote_name(table_.columns[c].name);
    changes += (changes.empty() ? "" : ", ") + column + " = EXCLUDED." + column;
  }
  return sql + (changes.empty() ? "NOTHING" : "UPDATE SET " + changes);
}

/// One attempt at one batch, in a transaction.
class BatchStore::Writer {
 public:
  Writer(const BatchStore& store, Executor& executor, BatchResult& result)
      : store_(store), table_(store.table_), executor_(executor), result_(result) {}

  /// `is_careful`: one savepoint a statement, so that a row that the server refuses can be found. Without,
  /// the first such row ends the attempt.
  void write(std::span<const BatchRow> rows, bool is_careful) {
    for (std::size_t start = 0; start < rows.size();) {
      const std::size_t end = table_.time ? end_of_series(rows, start) : rows.size();
      classify(rows.subspan(start, end - start));
      start = end;
    }
    if (!is_careful && certain_.size() >= kCopyRowsMin) {
      copy(certain_);
    } else {
      doubtful_.insert(doubtful_.end(), certain_.begin(), certain_.end());
      std::ranges::sort(doubtful_, {}, &Change::row);  // by key: the rows lie in its order
    }
    upsert(doubtful_, is_careful);
  }

 private:
  enum class Kind : std::uint8_t { New, Late, Changed };
  struct Change {
    const BatchRow* row;
    Kind kind;
  };

  static std::size_t end_of_series(std::span<const BatchRow> rows, std::size_t start) {
    const std::string_view series = std::string_view(rows[start].order).substr(0, rows[start].series);
    std::size_t end = start + 1;
    while (end < rows.size() && rows[end].series == series.size() && rows[end].order.starts_with(series))
      ++end;
    return end;
  }

  Timestamp time_of(const BatchRow& row) const {
    return std::get<Timestamp>(row.cells[*table_.time].content());
  }

  Parameters cells_of(const BatchRow& row, const std::vector<std::size_t>& columns) const {
    Parameters cells;
    for (const auto c : columns) cells.push_back(row.cells[c]);
    return cells;
  }

  /// Rows of one series, or of a table without time: finds out what each is.
  void classify(std::span<const BatchRow> rows) {
    std::optional<Timestamp> newest;
    std::span<const BatchRow> doubtful = rows;
    if (table_.time) {
      newest = newest_from(rows.front());
      const auto first_certain = std::ranges::partition_point(
          rows, [&](const BatchRow& row) { return newest && time_of(row) <= *newest; });
      for (auto row = first_certain; row != rows.end(); ++row) certain_.push_back({&*row, Kind::New});
      doubtful = rows.first(static_cast<std::size_t>(first_certain - rows.begin()));
    }
    if (doubtful.empty()) return;
    const StoredRows stored = stored_rows(doubtful);
    for (const auto& row : doubtful) {
      const auto found = stored.find(row.order);
      if (found == stored.end()) {
        doubtful_.push_back({&row, newest && time_of(row) < *newest ? Kind::Late : Kind::New});
      } else if (!is_same(table_, row.cells, found->second)) {
        doubtful_.push_back({&row, Kind::Changed});
      } else {
        ++result_.unchanged;
      }
    }
  }

  /// The newest time of the row's series that is not before the row's.
  std::optional<Timestamp> newest_from(const BatchRow& row) {
    Parameters parameters = cells_of(row, table_.series);
    parameters.emplace_back(time_of(row));
    const DataFrame frame = executor_.get_dataframe(store_.newest_sql_, parameters);
    if (frame.is_empty()) return std::nullopt;
    return frame.get<Timestamp>(0, 0);
  }

  using StoredRows = std::unordered_map<std::string, Parameters>;

  void gather(StoredRows& stored, const DataFrame& frame) {
    for (std::size_t row = 0; row < frame.row_count(); ++row) {
      Parameters cells = cells_from(table_, frame, row);
      std::string order = order_of(table_, cells).bytes;
      stored.insert_or_assign(std::move(order), std::move(cells));
    }
  }

  /// What is stored under the rows' keys, perhaps with more of their series.
  StoredRows stored_rows(std::span<const BatchRow> rows) {
    StoredRows stored;
    if (rows.size() <= kPointReadsMax) {
      read_points(stored, rows);
    } else if (table_.time) {
      read_ranges(stored, rows);
    } else {
      read_any(stored, rows);
    }
    return stored;
  }

  void read_points(StoredRows& stored, std::span<const BatchRow> rows) {
    for (const auto& row : rows)
      gather(stored, executor_.get_dataframe(store_.point_sql_, cells_of(row, table_.key)));
  }

  /// Reads on from the first row not yet decided, so that what lies between rows is passed over; where that
  /// is much, row by row.
  void read_ranges(StoredRows& stored, std::span<const BatchRow> rows) {
    while (!rows.empty()) {
      const std::size_t limit = std::min(kRangeReadRows, 2 * rows.size() + kRangeSlackRows);
      Parameters parameters = cells_of(rows.front(), table_.series);
      parameters.insert(parameters.end(), {time_of(rows.front()), time_of(rows.back()), limit});
      const DataFrame frame = executor_.get_dataframe(store_.range_sql_, parameters);
      gather(stored, frame);
      if (frame.row_count() < limit) return;
      // The read was cut, perhaps within its last time.
      const auto last = frame.get<Timestamp>(frame.row_count() - 1, *table_.time);
      std::size_t decided = count_before(rows, last);
      if (decided == 0) {  // more rows at one time than were read
        parameters.resize(table_.series.size() + 1);
        gather(stored, executor_.get_dataframe(store_.instant_sql_, parameters));
        decided = count_before(rows, last + std::chrono::microseconds{1});
      }
      rows = rows.subspan(decided);
      if (decided < limit / 8) {
        const auto points = rows.first(std::min(rows.size(), kSparsePointReads));
        read_points(stored, points);
        rows = rows.subspan(points.size());
      }
    }
  }

  /// How many of the rows, which are in the order of time, are before `time`.
  std::size_t count_before(std::span<const BatchRow> rows, Timestamp time) const {
    const auto is_before = [&](const BatchRow& row) { return time_of(row) < time; };
    return static_cast<std::size_t>(std::ranges::partition_point(rows, is_before) - rows.begin());
  }

  void read_any(StoredRows& stored, std::span<const BatchRow> rows) {
    Parameter::Array keys;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const Parameter& key = rows[i].cells[table_.key[0]];
      if (keys.empty() || keys.back().to_text() != key.to_text()) keys.push_back(key);
      if (keys.size() == kKeysAtOnce || i + 1 == rows.size()) {
        gather(stored, executor_.get_dataframe(store_.any_sql_, {Parameter(keys)}));
        keys.clear();
      }
    }
  }

  void copy(std::span<const Change> changes) {
    std::size_t next = 0;
    const auto fill = [&](std::string& chunk) {
      chunk.clear();
      while (next < changes.size() && chunk.size() < kCopyChunkBytes)
        append_copy_line(chunk, changes[next++].row->cells);
      return !chunk.empty();
    };
    executor_.copy_in(store_.copy_sql_, fill);
    for (const auto& change : changes) count(change);
  }

  void upsert(std::span<const Change> changes, bool is_careful) {
    for (const auto& insert : store_.inserts_) {
      for (; changes.size() >= insert.row_count; changes = changes.subspan(insert.row_count)) {
        const auto page = changes.first(insert.row_count);
        if (is_careful) {
          try_insert(page);
        } else {
          this->insert(page, insert.sql);
        }
      }
    }
  }

  void insert(std::span<const Change> page, const std::string& sql) {
    Parameters parameters;
    parameters.reserve(page.size() * table_.columns.size());
    for (const auto& change : page)
      parameters.insert(parameters.end(), change.row->cells.begin(), change.row->cells.end());
    executor_.execute(sql, parameters);
    for (const auto& change : page) count(change);
  }

  /// Inserts what the server takes, and rejects the rest. Sizes are those of `inserts_`: each a quarter.
  void try_insert(std::span<const Change> page) {
    const auto size = std::ranges::find(store_.inserts_, page.size(), &SizedInsert::row_count);
    try {
      executor_.in_transaction([&](Executor&) { insert(page, size->sql); }, true);
    } catch (const Error& error) {
      if (!is_about_rows(error)) throw;
      if (page.size() > 1) return upsert_parts(page, std::next(size)->row_count);
      result_.rejected.push_back({page[0].row->index, error.message()});
    }
  }

  void upsert_parts(std::span<const Change> page, std::size_t part) {
    for (; !page.empty(); page = page.subspan(part)) try_insert(page.first(part));
  }

  void count(const Change& change) {
    if (change.kind == Kind::Changed) {
      ++result_.changed;
    } else {
      ++result_.new_rows;
      if (change.kind == Kind::Late) ++result_.late;
    }
  }

  const BatchStore& store_;
  const BatchTable& table_;
  Executor& executor_;
  BatchResult& result_;
  std::vector<Change> certain_;   // past the newest of their series
  std::vector<Change> doubtful_;  // looked up, and to be written
};

BatchResult BatchStore::store(Executor& executor, BatchRows rows) const {
  const auto& sorted = rows.sort();
  BatchResult result = rows.result();
  if (sorted.empty()) return result;
  const auto attempt = [&](bool is_careful) {
    executor.in_transaction(
        [&](Executor& transaction) {
          result = rows.result();  // of an attempt that did not come about nothing counts
          Writer(*this, transaction, result).write(sorted, is_careful);
        },
        true);
  };
  try {
    attempt(false);
  } catch (const Error& error) {
    if (!is_about_rows(error)) throw;
    attempt(true);
  }
  std::ranges::sort(result.rejected, {}, &RejectedRow::index);
  return result;
}

}  // namespace tickstone::market
