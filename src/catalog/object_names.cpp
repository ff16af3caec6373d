// SPDX-License-Identifier: Apache-2.0
#include "catalog/object_names.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "catalog/keywords.hpp"

namespace tickstone::catalog {
namespace {

/// Bytes of the longest prefix of whole characters that fits.
std::size_t clipped_bytes(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text.size();
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0U) == 0x80U) --bytes;
  return bytes;
}

bool is_constraint_name_taken(const Catalog& catalog, Oid schema, const std::string& name,
                              std::span<const std::string> taken) {
  if (std::find(taken.begin(), taken.end(), name) != taken.end()) return true;
  for (const RelationObject* relation : catalog.relations()) {
    if (relation->schema != schema) continue;
    for (const auto& constraint : relation->constraints) {
      if (constraint.name == name) return true;
    }
  }
  return false;
}

std::string joined_columns(std::span<const std::string> columns) {
  std::string joined;
  for (const auto& column : columns) {
    if (!joined.empty()) joined += '_';
    joined += column;
    if (joined.size() > kMaxIdentifierBytes) break;
  }
  return joined;
}

/// Tries label, label1, label2, ... as PostgreSQL does, so that the number comes last.
template <typename IsTaken>
std::string first_free(std::string_view name1, std::string_view name2, const std::string& label,
                       IsTaken is_taken) {
  std::string name = make_object_name(name1, name2, label);
  for (int pass = 1; is_taken(name); ++pass) {
    name = make_object_name(name1, name2, label + std::to_string(pass));
  }
  return name;
}

std::string free_relation_name(const Catalog& catalog, Oid schema, std::string_view name1,
                               std::string_view name2, const std::string& label, bool is_constraint) {
  return first_free(name1, name2, label, [&](const std::string& name) {
    return catalog.is_name_taken(schema, name) ||
           (is_constraint && is_constraint_name_taken(catalog, schema, name, {}));
  });
}

}  // namespace

std::string truncated_identifier(std::string_view name, std::size_t bytes) {
  return std::string(name.substr(0, clipped_bytes(name, bytes)));
}

std::string make_object_name(std::string_view name1, std::string_view name2, std::string_view label) {
  const std::size_t overhead = (name2.empty() ? 0 : 1) + (label.empty() ? 0 : label.size() + 1);
  const std::size_t room = kMaxIdentifierBytes > overhead ? kMaxIdentifierBytes - overhead : 0;
  std::size_t bytes1 = name1.size();
  std::size_t bytes2 = name2.size();
  while (bytes1 + bytes2 > room) {
    if (bytes1 > bytes2) {
      --bytes1;
    } else {
      --bytes2;
    }
  }
  std::string name = truncated_identifier(name1, bytes1);
  if (!name2.empty()) name += '_' + truncated_identifier(name2, bytes2);
  if (!label.empty()) name += '_' + std::string(label);
  return name;
}

std::string default_index_name(const Catalog& catalog, Oid schema, std::string_view table,
                               std::span<const std::string> columns) {
  return free_relation_name(catalog, schema, table, joined_columns(columns), "idx", false);
}

std::string default_primary_key_name(const Catalog& catalog, Oid schema, std::string_view table) {
  return free_relation_name(catalog, schema, table, {}, "pkey", true);
}

std::string default_unique_name(const Catalog& catalog, Oid schema, std::string_view table,
                                std::span<const std::string> columns) {
  return free_relation_name(catalog, schema, table, joined_columns(columns), "key", true);
}

std::string default_sequence_name(const Catalog& catalog, Oid schema, std::string_view table,
                                  std::string_view column) {
  return free_relation_name(catalog, schema, table, column, "seq", false);
}

std::string default_check_name(const Catalog& catalog, Oid schema, std::string_view table,
                               std::string_view column, std::span<const std::string> taken) {
  return first_free(table, column, "check", [&](const std::string& name) {
    return is_constraint_name_taken(catalog, schema, name, taken);
  });
}

std::string default_foreign_key_name(const Catalog& catalog, Oid schema, std::string_view table,
                                     std::span<const std::string> columns,
                                     std::span<const std::string> taken) {
  return first_free(table, joined_columns(columns), "fkey", [&](const std::string& name) {
    return is_constraint_name_taken(catalog, schema, name, taken);
  });
}

std::string quote_identifier(std::string_view name) {
  const auto is_lower = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  bool is_safe = !name.empty() && is_lower(name.front());
  for (const char c : name) is_safe = is_safe && (is_lower(c) || (c >= '0' && c <= '9'));
  if (is_safe) {
    const Keyword* keyword = find_keyword(name);
    is_safe = keyword == nullptr || keyword->category == KeywordCategory::Unreserved;
  }
  if (is_safe) return std::string(name);
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string quote_literal(std::string_view text) {
  const bool has_backslash = text.find('\\') != std::string_view::npos;
  std::string quoted = has_backslash ? " E'" : "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += c;
    quoted += c;
  }
  return quoted + '\'';
}

std::string qualified_name(std::string_view schema, std::string_view name) {
  return quote_identifier(schema) + '.' + quote_identifier(name);
}

std::vector<std::string> split_identifier(std::string_view text) {
  std::vector<std::string> parts;
  std::size_t at = 0;
  const auto skip_space = [&] {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\t' || text[at] == '\n')) ++at;
  };
  for (;;) {
    skip_space();
    std::string part;
    if (at < text.size() && text[at] == '"') {
      bool is_closed = false;
      for (++at; at < text.size(); ++at) {
        if (text[at] == '"') {
          if (at + 1 >= text.size() || text[at + 1] != '"') {
            is_closed = true;
            ++at;
            break;
          }
          ++at;
        }
        part += text[at];
      }
      if (!is_closed) return {};
    } else {
      while (at < text.size() && text[at] != '.' && text[at] != ' ' && text[at] != '"') {
        const char c = text[at++];
        part += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      }
    }
    if (part.empty()) return {};
    parts.push_back(truncated_identifier(part));
    skip_space();
    if (at >= text.size()) return parts;
    if (text[at++] != '.') return {};
  }
}

std::string chunk_name(const RelationObject& relation, std::uint32_t number) {
  const auto id = relation.hypertable ? static_cast<std::uint32_t>(relation.hypertable->id) : relation.oid;
  if (relation.hypertable && !relation.hypertable->chunk_prefix.empty())
    return fmt::format("{}_{}_chunk", relation.hypertable->chunk_prefix, number);
  return fmt::format("_hyper_{}_{}_chunk", id, number);
}

std::string chunk_schema(const RelationObject& relation) {
  if (relation.hypertable && !relation.hypertable->chunk_schema.empty())
    return relation.hypertable->chunk_schema;
  return "_timescaledb_internal";
}

}  // namespace tickstone::catalog
