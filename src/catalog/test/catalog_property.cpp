// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "catalog/definition_text.hpp"
#include "catalog/object_json.hpp"
#include "catalog/object_names.hpp"

namespace tickstone::catalog {
namespace {

/// Names of characters that matter: quotes, dots, spaces, upper case, UTF-8 of two and three bytes.
rc::Gen<std::string> identifier(int most_characters) {
  const auto character = rc::gen::elementOf(std::vector<std::string>{
      "a", "b", "z", "_", "0", "9", "A", "Z", "\"", ".", " ", "'", "\\", "$", "\xC3\xA9", "\xE2\x82\xAC"});
  return rc::gen::map(
      rc::gen::resize(most_characters,
                      rc::gen::nonEmpty(rc::gen::container<std::vector<std::string>>(character))),
      [](const std::vector<std::string>& characters) {
        std::string name;
        for (const auto& c : characters) name += c;
        return name;
      });
}

bool is_whole_utf8(const std::string& text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t bytes = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : 3;
    if (i + bytes > text.size()) return false;
    i += bytes;
  }
  return true;
}

RC_GTEST_PROP(QuotedNames, ReadBack, ()) {
  const std::string schema = *identifier(15);
  const std::string name = *identifier(15);
  RC_PRE(schema.size() <= kMaxIdentifierBytes && name.size() <= kMaxIdentifierBytes);
  RC_ASSERT(split_identifier(qualified_name(schema, name)) == (std::vector<std::string>{schema, name}));
}

RC_GTEST_PROP(ObjectName, FitsAndKeepsItsLabel, ()) {
  const std::string name1 = *identifier(80);
  const std::string name2 = *identifier(80);
  const std::string name = make_object_name(name1, name2, "idx12");
  RC_ASSERT(name.size() <= kMaxIdentifierBytes);
  RC_ASSERT(name.ends_with("_idx12"));
  RC_ASSERT(is_whole_utf8(name));
  if (name1.size() + name2.size() + 7 <= kMaxIdentifierBytes)
    RC_ASSERT(name == name1 + "_" + name2 + "_idx12");
}

/// Tokens of a query in any order: the layout must only move spaces, and only between tokens.
RC_GTEST_PROP(QueryLayout, KeepsEveryToken, ()) {
  const auto tokens =
      *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(std::vector<std::string>{
          "SELECT",      "FROM", "WHERE", "GROUP", "BY",  "ORDER",        "LIMIT",
          "UNION",       "ALL",  "LEFT",  "JOIN",  "ON",  "DISTINCT",     "HAVING",
          "(",           ")",    ",",     "a",     "t.b", "'x, FROM  y'", "\"Odd  FROM\"",
          "E'it\\'s  '", "5",    "=",     "AS"}));
  std::string query;
  for (const auto& token : tokens) query += (query.empty() ? "" : " ") + token;
  const std::string laid_out = query_layout(query);
  RC_ASSERT(laid_out.ends_with(";"));
  // Outside of quotes spaces mean nothing; inside they stay.
  const auto squeezed = [](const std::string& text) {
    std::string result;
    char quote = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (quote == '\'' && c == '\\') {
        result += c;
        result += text[++i];
        continue;
      }
      if (quote == 0 && (c == '\'' || c == '"')) {
        quote = c;
      } else if (c == quote) {
        quote = 0;
      }
      if (quote != 0 || (c != ' ' && c != '\n')) result += c;
    }
    return result;
  };
  RC_ASSERT(squeezed(laid_out) == squeezed(query) + ";");
}

RC_GTEST_PROP(ObjectJson, ReadsBackWhatItWrote, ()) {
  RelationObject relation;
  relation.oid = *rc::gen::arbitrary<Oid>();
  relation.name = *identifier(30);
  relation.kind = static_cast<RelationKind>(*rc::gen::inRange(0, 5));
  const int column_count = *rc::gen::inRange(0, 6);
  for (int i = 0; i < column_count; ++i) {
    ColumnObject column;
    column.id = *rc::gen::arbitrary<std::uint32_t>();
    column.name = *identifier(30);
    column.type = SqlType::numeric(*rc::gen::inRange(1, 38), *rc::gen::inRange(0, 10));
    column.type.is_array = *rc::gen::arbitrary<bool>();
    column.not_null = *rc::gen::arbitrary<bool>();
    column.default_text = *identifier(40);
    relation.columns.push_back(column);
  }
  if (*rc::gen::arbitrary<bool>()) {
    relation.sequence = SequenceInfo{};
    relation.sequence->start = *rc::gen::arbitrary<std::int64_t>();
    relation.sequence->maximum = *rc::gen::arbitrary<std::int64_t>();
  }
  const RelationObject again = decode_relation(encode_object(relation));
  RC_ASSERT(encode_object(again) == encode_object(relation));
  RC_ASSERT(again.oid == relation.oid && again.name == relation.name && again.kind == relation.kind);
  RC_ASSERT(again.columns.size() == relation.columns.size());
  for (std::size_t i = 0; i < again.columns.size(); ++i) {
    RC_ASSERT(again.columns[i].type == relation.columns[i].type);
    RC_ASSERT(again.columns[i].default_text == relation.columns[i].default_text);
    RC_ASSERT(again.columns[i].not_null == relation.columns[i].not_null);
  }
}

/// Bytes of any kind are read or refused, never more.
RC_GTEST_PROP(ObjectJson, NeverCrashes, (const std::string& body)) {
  try {
    decode_relation(body);
  } catch (const Error& error) {
    RC_ASSERT(error.code() == ErrorCode::DataCorrupted);
  }
}

}  // namespace
}  // namespace tickstone::catalog
