// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "duck/function_catalog.hpp"
#include "types/json_node.hpp"

namespace tickstone::duck {

/// A step or an operator of SQL/JSON's path language. What it is applied to comes first among its children.
struct JsonPathNode {
  enum class Kind : std::uint8_t {
    Root,         // $
    Current,      // @
    Last,         // last
    Variable,     // $name
    Literal,      // a scalar
    Member,       // .name
    AnyMember,    // .*
    AnyElement,   // [*]
    Elements,     // [1, 2 to last]: `ranges`
    Descendants,  // .**{2 to last}: `least`, `most`
    Filter,       // ?(...)
    Method,       // .size()
    Arithmetic,   // + - * / %, one child: a sign
    Compare,      // == != < <= > >=
    And,
    Or,
    Not,
    IsUnknown,
    Exists,
    StartsWith,
    LikeRegex,  // `text` the pattern, `flags`
  };
  Kind kind = Kind::Root;
  std::string text;  // a name, an operator, a pattern
  std::string flags;
  JsonNode literal;
  std::vector<std::unique_ptr<JsonPathNode>> children;
  /// Of Elements: children by number; the second is 0 where there is one index alone.
  std::vector<std::pair<std::size_t, std::size_t>> ranges;
  std::size_t least = 0, most = 0;

  bool is_predicate() const { return kind >= Kind::Compare; }
};

struct JsonPath {
  bool is_strict = false;
  std::unique_ptr<JsonPathNode> top;
};

/// Errors: SyntaxError in PostgreSQL's words; FeatureNotSupported for .datetime() and .keyvalue();
/// StatementTooComplex for thousands of steps or hundreds of brackets within one another.
JsonPath parse_json_path(std::string_view text);

/// What the path finds in `target`, in order. `variables`: an object.
/// Errors: InvalidParameterValue with PostgreSQL's words (which has a code of its own for each of them);
/// ProgramLimitExceeded for a step that finds more than a million values.
std::vector<JsonNode> query_json_path(const JsonPath& path, const JsonNode& target,
                                      const JsonNode& variables);

/// jsonb_path_query and its kin.
void register_json_path(FunctionCatalog& catalog);

}  // namespace tickstone::duck
