// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "sql/parse_tree.hpp"

/// `ASOF JOIN`, which PostgreSQL's grammar does not know: it is read without the word, and the joins that had
/// it are marked in the tree, in a way that its text keeps: ON pg_asof(condition), or USING (...) AS pg_asof.
namespace tickstone::sql {

/// The text with the words ASOF blanked, and where they were.
struct AsofText {
  std::string text;
  std::vector<std::size_t> places;
  /// The word is used as a name, too: what PostgreSQL makes of the text as it is comes first.
  bool is_name = false;
};

/// No places where there is no such join.
AsofText find_asof(std::string_view text);

/// How sure it is that the joins marked are as-of joins: one without an inequality, or with USING, may have a
/// table called asof.
enum class AsofMarks : std::uint8_t { Certain, WithoutInequality, Using };
/// Marks the joins of `tree` whose JOIN follows one of `places`.
/// Errors: SyntaxError for one without ON or USING, FeatureNotSupported for RIGHT, FULL and NATURAL.
AsofMarks mark_asof_joins(const ParseTree& tree, PgQuery__ParseResult& result,
                          const std::vector<std::size_t>& places);

/// Of a marked join: its condition, or nothing for USING.
struct AsofMark {
  const Node* condition = nullptr;
};
bool find_asof_mark(const PgQuery__JoinExpr& join, AsofMark& mark);

/// Whether a join in it is marked.
bool has_asof_join(const Node* node);

}  // namespace tickstone::sql
