// SPDX-License-Identifier: Apache-2.0
#include "market/batch_store.hpp"

#include <algorithm>
#include <span>

#include <tickstone/error.hpp>

#include "market/batch_cells.hpp"
#include "market/connection.hpp"

namespace tickstone::market {
namespace {

constexpr std::size_t kInsertSizes[] = {256, 64, 16, 4, 1};
constexpr std::size_t kCopyRowsMin = 64;  // new rows from which COPY pays
constexpr std::size_t kCopyChunkBytes = 1 << 20;

/// Of what a server says about a row; all else is about the statement or the server.
bool is_about_rows(const Error& error) {
  const auto state = sqlstate(error.code());
  return state.starts_with("22") || state.starts_with("23") ||
         error.code() == ErrorCode::ProgramLimitExceeded;
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

BatchStore::BatchStore(BatchTable table) : table_(std::move(table)), lookup_(table_) {
  const std::string name = quote_name(table_.name);
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
    classify(rows);
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

  /// By series; all in one of a table without time.
  std::vector<SeriesRows> series_of(std::span<const BatchRow> rows) const {
    std::vector<SeriesRows> series;
    for (std::size_t start = 0; start < rows.size();) {
      const std::size_t end = table_.time ? end_of_series(rows, start) : rows.size();
      series.push_back({rows.subspan(start, end - start), std::nullopt});
      start = end;
    }
    return series;
  }

  /// Finds out what each row is.
  void classify(std::span<const BatchRow> rows) {
    auto series = series_of(rows);
    if (table_.time) store_.lookup_.read_newest(executor_, series);
    std::vector<std::span<const BatchRow>> doubtful;  // by series
    for (const auto& one : series) {
      const auto first_certain = std::ranges::partition_point(one.rows, [&](const BatchRow& row) {
        return !table_.time || (one.newest && time_of(table_, row) <= *one.newest);
      });
      for (auto row = first_certain; row != one.rows.end(); ++row) certain_.push_back({&*row, Kind::New});
      doubtful.push_back(one.rows.first(static_cast<std::size_t>(first_certain - one.rows.begin())));
    }
    const StoredRows stored = store_.lookup_.read_stored(executor_, doubtful);
    for (std::size_t i = 0; i < series.size(); ++i) {
      const auto is_late = [&](const BatchRow& row) {
        return table_.time && time_of(table_, row) < *series[i].newest;
      };
      for (const auto& row : doubtful[i]) {
        const auto found = stored.find(row.order);
        if (found == stored.end()) {
          doubtful_.push_back({&row, is_late(row) ? Kind::Late : Kind::New});
        } else if (!is_same(table_, row.cells, found->second)) {
          doubtful_.push_back({&row, Kind::Changed});
        } else {
          ++result_.unchanged;
        }
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
