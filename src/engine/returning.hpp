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

/// Sends what RETURNING makes of the affected rows (all columns of the target; none where nothing was
/// affected).
void send_returning(Execution& execution, const WriteTarget& target, const std::string& alias,
                    const std::vector<sql::Expr>& returning,
                    const std::optional<std::vector<ReturnedColumn>>& plain, const Batch& affected);

}  // namespace tickstone::engine
