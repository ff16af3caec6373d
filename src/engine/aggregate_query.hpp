// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/session_context.hpp"

namespace tickstone::engine {

/// Which rows of a relation a scan means, as words before its name: `[from 16400] public.ohlcv`.
struct ScanCondition {
  enum class Kind : std::uint8_t {
    From,    // from the watermark of `aggregate` on
    Below,   // what `aggregate` has materialized below its watermark
    Changed  // times that are being aggregated anew: `SessionContext::aggregated_times`
  };
  Kind kind = Kind::Changed;
  catalog::Oid aggregate = 0;
};
using ScanConditions = std::vector<ScanCondition>;

/// With the brackets and a blank; empty without conditions.
std::string scan_words(const ScanConditions& conditions);
/// The relation's name without the words, which go to `conditions`; nothing where there are none.
std::optional<std::string_view> split_scan_name(std::string_view name, ScanConditions& conditions);

/// DuckDB's text of an aggregate's query over those rows of its source that meet the conditions, which must
/// keep or leave out whole buckets.
std::string aggregate_query(const SessionContext& context, const catalog::RelationObject& aggregate,
                            const ScanConditions& conditions);
/// What reading a real-time aggregate reads: what is materialized, and from there on its query.
std::string real_time_query(const SessionContext& context, const catalog::RelationObject& aggregate,
                            const ScanConditions& conditions);
inline bool is_real_time(const catalog::RelationObject& relation) {
  return relation.aggregate && !relation.aggregate->materialized_only && !is_eager_aggregate(relation);
}
/// The view that DuckDB's scans read: scans of tables of which they mean some rows read those.
std::shared_ptr<const storage::ReadView> view_of_some_rows(
    const AggregateTracker& tracker, std::shared_ptr<const storage::ReadView> view,
    std::shared_ptr<const storage::TimeRanges> aggregated_times);

/// The aggregate whose rows a name like `_timescaledb_internal._materialized_hypertable_5` means, or nullptr.
const catalog::RelationObject* find_materialization(const catalog::Catalog& catalog, std::string_view schema,
                                                    std::string_view name);

/// Names in an aggregate's query mean what they meant when it was made.
class DefinitionLookup final : public sql::NameLookup {
 public:
  /// Scans of `source` have the words before their names.
  DefinitionLookup(const SessionContext& context, std::string search_path,
                   const catalog::RelationObject& source, std::string words)
      : context_(context), search_path_(std::move(search_path)), source_(source), words_(std::move(words)) {}

  std::optional<sql::RelationInfo> find_relation(const std::string& schema,
                                                 const std::string& name) const override;
  bool schema_exists(const std::string& schema) const override { return context_.schema_exists(schema); }
  std::string current_database() const override { return context_.current_database(); }
  bool is_host_table_function(const std::string& name) const override {
    return context_.is_host_table_function(name);
  }
  bool wants_wide_numeric() const override { return context_.wants_wide_numeric(); }
  std::vector<UserFunction> user_functions(const std::string& schema,
                                           const std::string& name) const override {
    return context_.user_functions(schema, name);
  }
  bool is_volatile(const std::string& function) const override { return context_.is_volatile(function); }
  std::optional<UserType> find_user_type(const std::string& schema, const std::string& name) const override {
    return context_.find_user_type(schema, name);
  }
  std::shared_ptr<const EnumLabels> enum_labels(std::uint32_t type_oid) const override {
    return context_.enum_labels(type_oid);
  }
  std::optional<std::string> view_text(const sql::RelationInfo& relation) const override {
    return context_.view_text(relation);
  }

 private:
  const SessionContext& context_;
  std::string search_path_;  // schemas, one a line; empty: the session's
  const catalog::RelationObject& source_;
  std::string words_;
};

}  // namespace tickstone::engine
