// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "client/connection.hpp"
#include "client/libpq.hpp"

namespace tickstone::client {

/// Names and types of a described statement or a result.
std::vector<ResultColumn> columns_of(const PGresult* result);
/// Whether every type of it is one of ours, so that its binary form can be read.
bool are_types_known(const PGresult* result);

/// Gathers rows of results, binary or text as each says, into batches.
class ResultReader {
 public:
  ResultReader(std::vector<ResultColumn> columns, const RowHandler& handler);
  void add(const PGresult* result);
  /// Gives away what is gathered.
  void finish();

 private:
  void start_batch();

  std::vector<ResultColumn> columns_;
  const RowHandler& handler_;
  Batch batch_;
};

}  // namespace tickstone::client
