// SPDX-License-Identifier: Apache-2.0
#include "catalog/shown_text.hpp"

#include <array>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "catalog/definition_text.hpp"
#include "catalog/function_facts.hpp"
#include "catalog/name_lookup.hpp"
#include "catalog/object_names.hpp"
#include "catalog/sql_tokens.hpp"
#include "catalog/system_rows.hpp"

namespace tickstone::catalog {
namespace {

bool is_function_visible(const Catalog& catalog, const RunningFacts& facts, const std::string& schema,
                         const std::string& name) {
  if (catalog.find_functions(schema, name).empty() || find_function(name) != nullptr) return false;
  for (const auto& searched : effective_search_path(facts)) {
    if (searched == schema) return true;
    if (!catalog.find_functions(searched, name).empty()) return false;
  }
  return false;
}

bool is_relation_visible(const Catalog& catalog, const RunningFacts& facts, const std::string& schema,
                         const std::string& name) {
  const auto named = find_named(catalog, facts, schema, name);
  return named && named->relation != nullptr && is_visible(catalog, facts, *named);
}

class Shown {
 public:
  Shown(const Catalog& catalog, const RunningFacts& facts, const std::string& text)
      : catalog_(catalog), facts_(facts), text_(text), tokens_(sql_tokens(text)) {}

  std::string print() {
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      if (is_needless_schema(i)) {
        replace(i, tokens_[i + 2].text.data(), {});
      } else if (const auto named = regclass_at(i)) {
        replace(i, end_of(i), quote_literal(*named));
      } else if (const auto type = type_at(i); !type.empty()) {
        replace(i, end_of(i), std::string(type));
      } else if (is_tight_array_operator(i)) {
        replace(i, end_of(i), std::string(tokens_[i].text) + " ");
      }
    }
    return shown_ + text_.substr(copied_);
  }

 private:
  bool is(std::size_t i, std::string_view text) const {
    return i < tokens_.size() && tokens_[i].text == text;
  }
  std::string name(std::size_t i) const {
    return i < tokens_.size() ? token_name(tokens_[i]) : std::string();
  }

  /// Whether `schema.` stands at `i` before what is found without it.
  bool is_needless_schema(std::size_t i) const {
    if (!is(i + 1, ".") || (i > 0 && is(i - 1, "."))) return false;
    const std::string schema = name(i), object = name(i + 2);
    if (schema.empty() || object.empty() || catalog_.find_schema(schema) == nullptr) return false;
    if (is(i + 3, ".")) return false;
    if (is(i + 3, "(")) return is_function_visible(catalog_, facts_, schema, object);
    return !is_alias(schema) && is_relation_visible(catalog_, facts_, schema, object);
  }

  /// Whether a table could be called that in the query: what stands before the dot is a schema otherwise.
  bool is_alias(const std::string& schema) const {
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      if (name(i) == schema && !is(i + 1, ".")) return true;
    }
    return false;
  }

  /// The name in `'schema.name'::regclass` as regclass shows it.
  std::optional<std::string> regclass_at(std::size_t i) const {
    const std::string_view text = tokens_[i].text;
    if (text.size() < 2 || text.front() != '\'' || !is(i + 1, ":") || !is(i + 2, ":") ||
        name(i + 3) != "regclass")
      return std::nullopt;
    std::string unquoted;
    for (std::size_t at = 1; at + 1 < text.size(); ++at) {
      if (text[at] == '\'') ++at;
      unquoted += text[at];
    }
    const auto parts = split_identifier(unquoted);
    if (parts.size() != 2) return std::nullopt;
    const auto named = find_named(catalog_, facts_, parts[0], parts[1]);
    return named ? std::optional(visible_name(catalog_, facts_, named->oid)) : std::nullopt;
  }

  /// PostgreSQL's name for the type that a cast at `i` names otherwise; empty: it does not.
  std::string_view type_at(std::size_t i) const {
    struct Name {
      std::string_view written, shown;
      bool is_before_precision;  // the precision follows the name
    };
    static constexpr std::array<Name, 11> kNames = {{{"VARCHAR", "character varying", true},
                                                     {"INT", "integer", true},
                                                     {"INT2", "smallint", true},
                                                     {"INT4", "integer", true},
                                                     {"INT8", "bigint", true},
                                                     {"BOOL", "boolean", true},
                                                     {"FLOAT4", "real", true},
                                                     {"FLOAT8", "double precision", true},
                                                     {"DECIMAL", "numeric", true},
                                                     {"TIMESTAMPTZ", "timestamp with time zone", false},
                                                     {"TIMETZ", "time with time zone", false}}};
    if (i < 2 || !is(i - 1, ":") || !is(i - 2, ":") || is(i + 1, ".")) return {};
    for (const auto& [written, shown, is_before_precision] : kNames) {
      if (tokens_[i].upper == written && (is_before_precision || !is(i + 1, "("))) return shown;
    }
    return {};
  }

  /// `ANY(` after an operator, which PostgreSQL prints with a space.
  bool is_tight_array_operator(std::size_t i) const {
    const std::string& word = tokens_[i].upper;
    if (word != "ANY" && word != "ALL") return false;
    return i > 0 && tokens_[i - 1].upper.empty() && is(i + 1, "(") && !tokens_[i + 1].after_space;
  }

  const char* end_of(std::size_t i) const { return tokens_[i].text.data() + tokens_[i].text.size(); }

  void replace(std::size_t i, const char* end, const std::string& by) {
    const auto begin = static_cast<std::size_t>(tokens_[i].text.data() - text_.data());
    shown_ += text_.substr(copied_, begin - copied_) + by;
    copied_ = static_cast<std::size_t>(end - text_.data());
  }

  const Catalog& catalog_;
  const RunningFacts& facts_;
  const std::string& text_;
  std::vector<SqlToken> tokens_;
  std::string shown_;
  std::size_t copied_ = 0;
};

}  // namespace

std::string shown_text(const Catalog& catalog, const RunningFacts& facts, const std::string& text) {
  return text.find_first_of(".:(") == std::string::npos ? text : Shown(catalog, facts, text).print();
}

IndexObject shown_index(const Catalog& catalog, const RunningFacts& facts, IndexObject index) {
  for (auto& key : index.keys) key.expression_text = shown_text(catalog, facts, key.expression_text);
  index.where_text = shown_text(catalog, facts, index.where_text);
  return index;
}

std::string default_expression(const Catalog& catalog, const RunningFacts& facts,
                               const ColumnObject& column) {
  if (column.sequence != 0 && column.identity == 0 && column.generated_text.empty()) {
    return fmt::format("nextval({}::regclass)", quote_literal(visible_name(catalog, facts, column.sequence)));
  }
  return shown_text(catalog, facts, stored_default(catalog, facts, column));
}

std::string view_definition(const Catalog& catalog, const RunningFacts& facts,
                            const RelationObject& relation) {
  return shown_text(catalog, facts, view_definition(relation));
}

}  // namespace tickstone::catalog
