// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/executors.hpp"
#include "engine/write_target.hpp"

namespace tickstone::engine {

/// What RETURNING asks for, where that is columns alone: they are had without DuckDB.
struct ReturnedColumn {
  std::size_t column;
  std::string name;
};
std::optional<std::vector<ReturnedColumn>> plain_returning(const WriteTarget& target,
                                                           const std::string& alias,
                                                           const std::vector<sql::Expr>& returning);

/// Sends plain RETURNING columns as rows are changed.
class ReturnedRows {
 public:
  ReturnedRows(Execution& execution, const WriteTarget& target, std::vector<ReturnedColumn> columns)
      : execution_(execution), target_(target), columns_(std::move(columns)) {}
  void send(const Batch& affected);
  /// Where nothing was affected, the client is told of the columns now.
  void finish();

 private:
  Execution& execution_;
  const WriteTarget& target_;
  std::vector<ReturnedColumn> columns_;
  bool is_described_ = false;
};

/// Rows of the other tables of UPDATE ... FROM and DELETE ... USING, beside the affected ones.
struct JoinedRows {
  std::vector<sql::DuckQuery::JoinedRange> ranges;
  Batch rows;  // columns of all ranges, in order
};
/// How many columns they have in the query's result.
std::size_t joined_column_count(const sql::DuckQuery& query);
/// Takes them out of the query's result, where they begin at column `from`.
JoinedRows take_joined(const sql::DuckQuery& query, std::size_t from, Batch& result,
                       const FormatContext& format);

/// Sends what RETURNING makes of the affected rows (all columns of the target; none where nothing was
/// affected).
void send_returning(Execution& execution, const WriteTarget& target, const std::string& alias,
                    const std::vector<sql::Expr>& returning,
                    const std::optional<std::vector<ReturnedColumn>>& plain, const Batch& affected,
                    const JoinedRows& joined = {});

}  // namespace tickstone::engine
