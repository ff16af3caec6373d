// SPDX-License-Identifier: Apache-2.0
#include "engine/aggregate_query.hpp"

#include <charconv>

#include "base/check.hpp"
#include "engine/aggregate_log.hpp"
#include "engine/ddl_table.hpp"

namespace tickstone::engine {
namespace {

constexpr std::string_view kOpen = "[";
constexpr std::string_view kClose = "] ";
constexpr std::string_view kFrom = "from ";
constexpr std::string_view kBelow = "below ";
constexpr std::string_view kChanged = "changed";
constexpr std::string_view kInternalSchema = "_timescaledb_internal";
constexpr std::string_view kMaterialization = "_materialized_hypertable_";

std::optional<ScanCondition> condition_of(std::string_view word) {
  ScanCondition condition;
  if (word == kChanged) return condition;
  if (word.starts_with(kFrom)) {
    condition.kind = ScanCondition::Kind::From;
    word.remove_prefix(kFrom.size());
  } else if (word.starts_with(kBelow)) {
    condition.kind = ScanCondition::Kind::Below;
    word.remove_prefix(kBelow.size());
  } else {
    return std::nullopt;
  }
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), condition.aggregate);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return condition;
}

}  // namespace

std::string scan_words(const ScanConditions& conditions) {
  if (conditions.empty()) return {};
  std::string text(kOpen);
  for (const auto& condition : conditions) {
    if (text.size() > kOpen.size()) text += ", ";
    switch (condition.kind) {
      case ScanCondition::Kind::From:
        text.append(kFrom).append(std::to_string(condition.aggregate));
        break;
      case ScanCondition::Kind::Below:
        text.append(kBelow).append(std::to_string(condition.aggregate));
        break;
      case ScanCondition::Kind::Changed:
        text += kChanged;
        break;
    }
  }
  return text.append(kClose);
}

std::optional<std::string_view> split_scan_name(std::string_view name, ScanConditions& conditions) {
  if (!name.starts_with(kOpen)) return std::nullopt;
  const auto close = name.find(kClose);
  if (close == std::string_view::npos) return std::nullopt;
  std::string_view words = name.substr(kOpen.size(), close - kOpen.size());
  while (!words.empty()) {
    const auto comma = words.find(", ");
    const auto condition = condition_of(words.substr(0, comma));
    if (!condition) return std::nullopt;
    conditions.push_back(*condition);
    words = comma == std::string_view::npos ? std::string_view() : words.substr(comma + 2);
  }
  return name.substr(close + kClose.size());
}

std::optional<sql::RelationInfo> DefinitionLookup::find_relation(const std::string& schema,
                                                                 const std::string& name) const {
  std::optional<sql::RelationInfo> found;
  if (schema.empty() && !search_path_.empty()) {
    std::string_view rest = search_path_;
    while (!rest.empty() && !found) {
      const auto end = rest.find('\n');
      found = context_.find_relation(std::string(rest.substr(0, end)), name);
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    }
  } else {
    found = context_.find_relation(schema, name);
  }
  if (!found || found->name != source_.name) return found;
  const auto* source_schema = context_.catalog()->find_schema(source_.schema);
  if (source_schema != nullptr && source_schema->name == found->schema) found->scan_words = words_;
  return found;
}

std::string aggregate_query(const SessionContext& context, const catalog::RelationObject& aggregate,
                            const ScanConditions& conditions) {
  const auto& info = *aggregate.aggregate;
  const auto catalog = context.catalog();
  const auto* source = catalog->find_relation(info.source_table);
  TICKSTONE_CHECK(source != nullptr);
  std::string search_path;
  for (const auto& [name, value] : aggregate.options) {
    if (name == kSearchPathOption) search_path = value;
  }
  const DefinitionLookup lookup(context, search_path, *source, scan_words(conditions));
  return sql::Rewriter(lookup).query(sql::parse_query(info.definition_text)).text;
}

std::string real_time_query(const SessionContext& context, const catalog::RelationObject& aggregate,
                            const ScanConditions& conditions) {
  ScanConditions below = conditions, from = conditions;
  below.push_back({ScanCondition::Kind::Below, aggregate.oid});
  from.push_back({ScanCondition::Kind::From, aggregate.oid});
  std::string columns;
  for (const auto& column : aggregate.columns) {
    if (!columns.empty()) columns += ", ";
    columns += duck_name(column.name);
  }
  return "SELECT " + columns + " FROM " + duck_name(scan_words(below) + context.scan_name(aggregate)) +
         " UNION ALL SELECT * FROM (" + aggregate_query(context, aggregate, from) + ") AS raw";
}

const catalog::RelationObject* find_materialization(const catalog::Catalog& catalog, std::string_view schema,
                                                    std::string_view name) {
  if (schema != kInternalSchema || !name.starts_with(kMaterialization)) return nullptr;
  for (const auto* relation : catalog.relations()) {
    if (relation->aggregate && relation->hypertable &&
        name.substr(kMaterialization.size()) == std::to_string(relation->hypertable->id))
      return relation;
  }
  return nullptr;
}

}  // namespace tickstone::engine
