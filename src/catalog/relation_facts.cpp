// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/check.hpp"
#include "catalog/object_names.hpp"
#include "catalog/shown_text.hpp"
#include "catalog/system_oids.hpp"
#include "catalog/system_rows.hpp"
#include "catalog/type_facts.hpp"

namespace tickstone::catalog {

Oid owner_oid(const Catalog& catalog, const std::string& name) {
  const RoleObject* role = catalog.find_role(name);
  return role == nullptr ? kBootstrapRole : role->oid;
}

std::string schema_comment(const SchemaObject& schema) {
  return schema.comment.value_or(schema.oid == kSchemaPublic ? "standard public schema" : "");
}

std::string owner_name(const Catalog& catalog, const std::string& owner) {
  if (catalog.find_role(owner) != nullptr) return owner;
  for (const RoleObject* role : catalog.roles()) {
    if (role->oid == kBootstrapRole) return role->name;
  }
  return owner;
}

bool is_shown_schema(const RowContext& context, Oid schema) {
  if (context.audience == Audience::Everybody) return true;
  return schema >= storage::kFirstUserTable || schema == kSchemaPublic || schema == kSchemaPgCatalog ||
         schema == kSchemaInformation;
}

char shown_kind_letter(const RowContext& context, const RelationObject& relation) {
  const bool is_table =
      relation.kind == RelationKind::ContinuousAggregate && context.audience == Audience::Dump;
  return is_table ? 'r' : relation_kind_letter(relation);
}

const std::string& schema_name(const Catalog& catalog, Oid schema) {
  static const std::string kGone;
  const SchemaObject* found = catalog.find_schema(schema);
  return found == nullptr ? kGone : found->name;
}

char relation_kind_letter(const RelationObject& relation) {
  switch (relation.kind) {
    case RelationKind::Table:
      return 'r';
    case RelationKind::View:
    case RelationKind::ContinuousAggregate:
      return 'v';
    case RelationKind::Sequence:
      return 'S';
    case RelationKind::MaterializedView:
      return 'm';
  }
  return 'r';
}

int attribute_number(const RelationObject& relation, const ColumnObject& column) {
  if (column.id != 0) return static_cast<int>(column.id);
  for (std::size_t i = 0; i < relation.columns.size(); ++i) {
    if (&relation.columns[i] == &column) return static_cast<int>(i + 1);
  }
  return 0;
}

int attribute_number(const RelationObject& relation, storage::ColumnId id) {
  const ColumnObject* column = relation.find_column(id);
  return column == nullptr ? 0 : attribute_number(relation, *column);
}

bool has_default(const ColumnObject& column) {
  return !column.default_text.empty() || !column.generated_text.empty();
}

namespace {

/// One string constant and nothing else: PostgreSQL shows the type that it was read as.
bool is_string_constant(const std::string& text) {
  if (text.size() < 2 || text.front() != '\'' || text.back() != '\'') return false;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] != '\'') continue;
    if (i + 2 >= text.size() || text[i + 1] != '\'') return false;
    ++i;
  }
  return true;
}

}  // namespace

std::string stored_default(const Catalog& catalog, const RunningFacts& facts, const ColumnObject& column) {
  const std::string& text = column.generated_text.empty() ? column.default_text : column.generated_text;
  if (is_string_constant(text)) {
    SqlType type = column.type;
    if (!type.is_array && (type.id == TypeId::Varchar || type.id == TypeId::Numeric)) type.precision = -1;
    return text +
           "::" + (type.id == TypeId::Enum ? type_text(catalog, facts, oid_of(type), -1) : to_sql(type));
  }
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : static_cast<char>(c);
  });
  const bool is_word_of_its_own =
      lower == "true" || lower == "false" || lower == "now()" || lower == "pg_catalog.now()";
  return is_word_of_its_own ? (lower == "pg_catalog.now()" ? "now()" : lower) : text;
}

std::optional<std::string> domain_default(const RowContext& context, const TypeObject& domain) {
  if (domain.default_text.empty()) return std::nullopt;
  ColumnObject column;
  column.default_text = domain.default_text;
  column.type = domain.base;
  return default_expression(context.catalog, context.facts, column);
}

namespace {

/// A number for a part of a relation that has none of its own, in a range that neither objects nor chunks
/// reach. PostgreSQL allows 1,600 columns.
Oid part_oid(const RelationObject& relation, int part) {
  return 0x4000'0000U | ((relation.oid * 1664U + static_cast<std::uint32_t>(part)) & 0x3FFF'FFFFU);
}

}  // namespace

Oid default_oid(const RelationObject& relation, const ColumnObject& column) {
  return part_oid(relation, attribute_number(relation, column));
}

Oid rule_oid(const RelationObject& view) { return part_oid(view, 0); }

RelationSize chunk_size(const storage::ChunkInfo& chunk) {
  RelationSize size;
  size.row_count = static_cast<std::int64_t>(chunk.rows_sealed + chunk.rows_open);
  size.table_bytes = static_cast<std::int64_t>(chunk.bytes_on_disk + chunk.bytes_in_memory);
  return size;
}

RelationSize relation_size(const RelationObject& relation, const storage::ReadView& view) {
  RelationSize size;
  if (!relation.is_stored() || view.schema(relation.table()) == nullptr) return size;
  for (const auto& chunk : view.chunks(relation.table())) {
    const RelationSize part = chunk_size(chunk);
    size.row_count += part.row_count;
    size.table_bytes += part.table_bytes;
  }
  // The primary key is the order of the rows and takes nothing; a unique index has a table of its own.
  for (const auto& index : relation.indexes) {
    if (index.key_table == 0 || view.schema(index.key_table) == nullptr) continue;
    for (const auto& chunk : view.chunks(index.key_table)) size.index_bytes += chunk_size(chunk).table_bytes;
  }
  return size;
}

}  // namespace tickstone::catalog
