// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.hpp"

namespace tickstone::catalog {

inline constexpr std::size_t kMaxIdentifierBytes = 63;

/// At most `bytes` of `name`, cut between characters of UTF-8.
std::string truncated_identifier(std::string_view name, std::size_t bytes = kMaxIdentifierBytes);

/// `name1_name2_label` in 63 bytes: the longer of the two names gives way first, the label never. Empty parts
/// are left out.
std::string make_object_name(std::string_view name1, std::string_view name2, std::string_view label);

/// The names that PostgreSQL gives to what is made without one. `columns` are the names of an index's keys
/// (`expr`, or the function's name, for an expression). All are free in the table's schema.
std::string default_index_name(const Catalog& catalog, Oid schema, std::string_view table,
                               std::span<const std::string> columns);  // ohlcv_timestamp_idx
std::string default_primary_key_name(const Catalog& catalog, Oid schema, std::string_view table);
std::string default_unique_name(const Catalog& catalog, Oid schema, std::string_view table,
                                std::span<const std::string> columns);  // symbols_symbol_key
std::string default_sequence_name(const Catalog& catalog, Oid schema, std::string_view table,
                                  std::string_view column);  // positions_id_seq
/// CHECK (`column` empty when it names none or several: ohlcv_check) and FOREIGN KEY constraints: free among
/// the constraints of all tables of the schema and those in `taken` (of the statement at work).
std::string default_check_name(const Catalog& catalog, Oid schema, std::string_view table,
                               std::string_view column, std::span<const std::string> taken = {});
std::string default_foreign_key_name(const Catalog& catalog, Oid schema, std::string_view table,
                                     std::span<const std::string> columns,
                                     std::span<const std::string> taken = {});

/// `name`, or `schema.name`, quoted where needed.
std::string qualified_name(std::string_view schema, std::string_view name);
/// `schema.name` as the search path has it: the schema only where the bare name would find nothing or
/// something else (what regclass prints).
std::string visible_name(const Catalog& catalog, const RunningFacts& facts, Oid relation_or_index);
/// A string as an SQL literal.
std::string quote_literal(std::string_view text);

/// `a."B c".d` into its folded parts; nothing for bad syntax.
std::vector<std::string> split_identifier(std::string_view text);

/// The chunk `number` of a hypertable or aggregate, as TimescaleDB calls it: `_hyper_1_12_chunk`.
std::string chunk_name(const RelationObject& relation, std::uint32_t number);
/// Where its chunks are shown.
std::string chunk_schema(const RelationObject& relation);

}  // namespace tickstone::catalog
