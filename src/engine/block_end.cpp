// SPDX-License-Identifier: Apache-2.0
#include "engine/block_end.hpp"

#include <algorithm>

#include <tickstone/error.hpp>

namespace tickstone::engine {

void throw_block_aborted() {
  throw Error(ErrorCode::InFailedSqlTransaction,
              "current transaction is aborted, commands ignored until end of transaction block");
}

bool may_end_block(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return false;
  text.remove_prefix(begin);
  for (const std::string_view word : {"commit", "end", "rollback", "abort"}) {
    if (text.size() >= word.size() && std::equal(word.begin(), word.end(), text.begin(), [](char a, char b) {
          return a == (b >= 'A' && b <= 'Z' ? b + 32 : b);
        })) {
      return true;
    }
  }
  return false;
}

bool ends_failed_block(const sql::Statement& statement) {
  const auto* t = std::get_if<sql::TransactionStatement>(&statement.body);
  using Action = sql::TransactionStatement::Action;
  return t != nullptr &&
         (t->action == Action::Commit || t->action == Action::Rollback || t->action == Action::RollbackTo);
}

}  // namespace tickstone::engine
