// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/point_read_rows.hpp"
#include "engine/session_context.hpp"
#include "sql/point_read.hpp"

namespace tickstone::engine {

/// Reads a few rows of one table straight from storage, where DuckDB would cost more than the rows: the
/// newest trade of a symbol, one row by its key, a symbol's bars of an hour.
///
/// What it gives is what DuckDB would give, so it does only what is plainly the same and leaves the rest to
/// it. Lifetime: of the catalog that it was made with.
class PointReader {
 public:
  /// nullptr where the query is no point read of a stored table. The context has begun a statement.
  static std::shared_ptr<const PointReader> make(const SessionContext& context, const sql::Expr& query);

  /// Type by output column, as the table declares it.
  const SqlType& output_type(std::size_t column) const {
    return read_.relation.columns[read_.columns[column]].type;
  }
  std::size_t output_count() const { return read_.columns.size(); }

  /// Rows as of the context's view. nullptr where these values need the general way: other types than the
  /// columns', or too many rows to sort in memory.
  std::unique_ptr<duck::ResultStream> open(const SessionContext& context,
                                           std::span<const Value> parameters) const;

  /// What EXPLAIN shows; nothing where `open` would give nullptr. `analyze` reads the rows.
  std::optional<std::vector<std::string>> explain(const SessionContext& context,
                                                  std::span<const Value> parameters, bool analyze) const;

 private:
  PointReader() = default;

  bool find_columns(const SessionContext& context);
  bool is_narrow(const storage::TableSchema& schema) const;
  std::optional<Value> value_of(const SessionContext& context, const sql::PointRead::Operand& operand,
                                const SqlType& column, std::span<const Value> parameters) const;
  bool values_of(const SessionContext& context, const sql::PointRead::Condition& condition,
                 std::span<const Value> parameters, std::vector<Value>& out) const;
  bool count_of(const SessionContext& context, const std::optional<sql::PointRead::Operand>& operand,
                std::span<const Value> parameters, std::uint64_t& out) const;
  void make_shape();
  struct Plan {
    std::unique_ptr<PointRows> rows;
    std::vector<PointEach> each;  // of DISTINCT ON
  };
  enum class Texts : std::uint8_t { LeftOut, Made };
  std::optional<Plan> plan(const SessionContext& context, std::span<const Value> parameters,
                           Texts texts = Texts::LeftOut) const;
  bool add_condition(const SessionContext& context, const storage::TableSchema& schema, std::size_t number,
                     std::span<const Value> parameters, Texts texts, Plan& plan) const;
  bool find_each(Plan& plan) const;
  void find_newest(const storage::TableSchema& schema);
  std::unique_ptr<duck::ResultStream> open_newest(const SessionContext& context,
                                                  std::span<const Value> parameters) const;
  bool find_key(const storage::TableSchema& schema, PointRows& rows) const;
  bool find_keys(const storage::TableSchema& schema, std::span<const Value> parameters,
                 PointRows& rows) const;

  sql::PointRead read_;
  std::string name_;  // of the table, with its schema
  storage::TableId table_ = 0;
  std::vector<storage::ColumnId> ids_;       // by column of the relation
  std::shared_ptr<const PointShape> shape_;  // shared with what runs
  /// Conditions that leave one series, by column of its key, and those that bound the time; where the newest
  /// row of that is all that is asked for.
  struct Newest {
    std::vector<std::size_t> series;
    std::vector<std::size_t> times;
    std::vector<storage::ColumnId> columns;  // of the output
  };
  std::optional<Newest> newest_;
};

}  // namespace tickstone::engine
