// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <utility>

#include "sql/rewrite.hpp"

namespace tickstone::sql {

/// Some tables of a trading system and of PostgreSQL's catalog, for tests.
class GuideLookup : public NameLookup {
 public:
  GuideLookup() {
    const SqlType text = SqlType::of(TypeId::Text);
    const SqlType time = SqlType::of(TypeId::TimestampTz);
    const SqlType number = SqlType::of(TypeId::Numeric);
    const SqlType integer = SqlType::of(TypeId::Integer);
    const SqlType jsonb = SqlType::of(TypeId::Jsonb);
    const SqlType oid = SqlType::of(TypeId::Oid);
    const SqlType name = SqlType::of(TypeId::Name);
    add("public", "ohlcv",
        {{"symbol", text, true},
         {"timestamp", time, true},
         {"open", number, true},
         {"high", number, true},
         {"low", number, true},
         {"close", number, true},
         {"volume", number, true},
         {"source", text, true},
         {"timeframe", text, true}});
    add("public", "trades",
        {{"symbol", text, true},
         {"timestamp", time, true},
         {"price", number, true},
         {"size", number, true},
         {"exchange", integer},
         {"conditions", SqlType::array_of(TypeId::Text)},
         {"id", SqlType::of(TypeId::BigInt), true}});
    add("public", "symbols",
        {{"symbol", text, true},
         {"name", text},
         {"active", SqlType::of(TypeId::Boolean)},
         {"listed", SqlType::of(TypeId::Date)},
         {"metadata", jsonb}});
    add("public", "positions",
        {{"id", integer, true},
         {"ticker", SqlType{TypeId::Varchar, false, 8}},
         {"shares", integer, true},
         {"weight", SqlType::of(TypeId::Double)}});
    add("feed", "ticks", {{"at", SqlType::of(TypeId::Timestamp), true}, {"price", SqlType::numeric(10, 2)}});
    add("pg_catalog", "pg_class",
        {{"oid", oid, true},
         {"relname", name, true},
         {"relnamespace", oid, true},
         {"relkind", SqlType::of(TypeId::InternalChar), true},
         {"relowner", oid, true}});
    add("pg_catalog", "pg_namespace", {{"oid", oid, true}, {"nspname", name, true}});
    add("pg_catalog", "pg_index",
        {{"indexrelid", oid, true},
         {"indrelid", oid, true},
         {"indkey", SqlType::of(TypeId::Int2Vector), true}});
    add("pg_catalog", "pg_type",
        {{"oid", oid, true}, {"typname", name, true}, {"typinput", SqlType::of(TypeId::Regproc), true}});
  }

  std::optional<RelationInfo> find_relation(const std::string& schema,
                                            const std::string& name) const override {
    for (const std::string& candidate : schema.empty() ? std::vector<std::string>{"pg_catalog", "public"}
                                                       : std::vector<std::string>{schema}) {
      const auto found = relations_.find({candidate, name});
      if (found != relations_.end()) return found->second;
    }
    return std::nullopt;
  }
  bool schema_exists(const std::string& schema) const override {
    return schema == "public" || schema == "feed" || schema == "pg_catalog";
  }
  std::string current_database() const override { return "inavvi"; }
  bool is_host_table_function(const std::string& name) const override {
    return name == "show_chunks" || name == "hypertable_compression_stats";
  }
  std::vector<std::string> row_identity(const RelationInfo& relation) const override {
    if (relation.schema != "public") return {};
    return {"rowid"};
  }
  std::optional<std::vector<RelationInfo::Column>> table_function_columns(
      const std::string& name) const override {
    if (name == "show_chunks")
      return std::vector<RelationInfo::Column>{{"show_chunks", SqlType::of(TypeId::Regclass), true}};
    return std::nullopt;
  }

 private:
  void add(const std::string& schema, const std::string& name, std::vector<RelationInfo::Column> columns) {
    relations_[{schema, name}] = RelationInfo{schema, name, std::move(columns)};
  }

  std::map<std::pair<std::string, std::string>, RelationInfo> relations_;
};

}  // namespace tickstone::sql
