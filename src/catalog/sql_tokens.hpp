// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "catalog/objects.hpp"

namespace tickstone::catalog {

/// A piece of SQL text as our own deparser wrote it: a word, a string, a quoted name or one other character.
struct SqlToken {
  std::string_view text;
  std::string upper;  // of a word; else empty
  bool after_space = false;
};

/// Without a semicolon at the end. Lifetime: views into `text`.
std::vector<SqlToken> sql_tokens(std::string_view text);

/// The name that a word or a quoted name stands for; empty for other tokens.
std::string token_name(const SqlToken& token);

/// The columns of the relation that an expression over it names, each once, in the expression's order.
std::vector<storage::ColumnId> columns_in_expression(const RelationObject& relation,
                                                     std::string_view expression);

}  // namespace tickstone::catalog
