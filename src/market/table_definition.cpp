// SPDX-License-Identifier: Apache-2.0
#include "market/table_definition.hpp"

#include <algorithm>

namespace tickstone::market {
namespace {

/// What `nextval('...')` of a default draws from; empty: nothing.
std::string sequence_of(const TableColumn& column, const std::vector<SequenceFacts>& sequences) {
  const auto at = column.default_text.find("nextval('");
  if (at == std::string::npos) return {};
  const auto start = at + std::string("nextval('").size();
  std::string name = column.default_text.substr(start, column.default_text.find('\'', start) - start);
  std::erase(name, '"');
  for (const auto& sequence : sequences) {
    std::string plain = sequence.full_name;
    std::erase(plain, '"');
    if (plain == name || plain == "public." + name) return sequence.full_name;
  }
  return {};
}

std::string column_definition(const TableColumn& column) {
  std::string text = quote_name(column.name) + " " + column.type;
  if (column.is_generated)
    text += " GENERATED ALWAYS AS (" + column.default_text + ") STORED";
  else if (!column.identity.empty())
    text += std::string(" GENERATED ") + (column.identity == "a" ? "ALWAYS" : "BY DEFAULT") + " AS IDENTITY";
  else if (!column.default_text.empty())
    text += " DEFAULT " + column.default_text;
  if (column.is_not_null) text += " NOT NULL";
  return text;
}

/// `CREATE INDEX x` as `CREATE INDEX IF NOT EXISTS x`; ONLY is of partitioned tables.
std::string tolerant(std::string definition) {
  if (const auto at = definition.find("INDEX "); at != std::string::npos)
    definition.insert(at + std::string("INDEX ").size(), "IF NOT EXISTS ");
  if (const auto only = definition.find(" ON ONLY "); only != std::string::npos)
    definition.erase(only + 3, 5);
  return definition;
}

}  // namespace

std::vector<std::string> table_statements(const TableFacts& table,
                                          const std::vector<SequenceFacts>& sequences) {
  std::vector<std::string> statements;
  if (table.schema != "public")
    statements.push_back("CREATE SCHEMA IF NOT EXISTS " + quote_name(table.schema));
  for (const auto& column : table.columns) {
    const std::string name = sequence_of(column, sequences);
    if (name.empty()) continue;
    const auto sequence = std::find_if(sequences.begin(), sequences.end(),
                                       [&](const SequenceFacts& one) { return one.full_name == name; });
    statements.push_back("CREATE SEQUENCE IF NOT EXISTS " + name + " AS " + sequence->type +
                         " INCREMENT BY " + sequence->increment + " START WITH " + sequence->start);
  }
  std::string create = "CREATE TABLE " + table.full_name() + " (";
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    create += (i > 0 ? ", " : "") + column_definition(table.columns[i]);
  for (const auto& constraint : table.constraints) create += ", " + constraint;
  statements.push_back(create + ")");
  if (table.is_hypertable()) {
    const std::string interval =
        table.has_integer_time ? table.chunk_interval : "INTERVAL " + quote_literal(table.chunk_interval);
    statements.push_back("SELECT create_hypertable(" + quote_literal(table.full_name()) + ", " +
                         quote_literal(table.time_column) + ", chunk_time_interval => " + interval +
                         ", create_default_indexes => FALSE)");
  }
  for (const auto& index : table.indexes) statements.push_back(tolerant(index));
  return statements;
}

std::vector<std::string> foreign_key_statements(const TableFacts& table) {
  std::vector<std::string> statements;
  for (const auto& key : table.foreign_keys)
    statements.push_back("ALTER TABLE " + table.full_name() + " ADD " + key);
  return statements;
}

}  // namespace tickstone::market
