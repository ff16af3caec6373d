// SPDX-License-Identifier: Apache-2.0
// What a continuous aggregate is and when it may be one.
#include "engine/continuous_aggregate.hpp"

#include <algorithm>

#include <tickstone/error.hpp>

#include "engine/aggregate_buckets.hpp"
#include "engine/aggregate_log.hpp"
#include "engine/aggregate_query.hpp"
#include "engine/aggregate_refresh.hpp"
#include "engine/ddl_table.hpp"
#include "engine/hypertable.hpp"
#include "engine/table_options.hpp"
#include "engine/table_schema.hpp"
#include "engine/time_units.hpp"
#include "sql/aggregate_bucket.hpp"

namespace tickstone::engine {
namespace {

/// Chunks of a materialization are this many times longer than those of its hypertable.
constexpr std::int64_t kChunkFactor = 10;

bool is_on(const sql::Option& option) {
  return option.value.empty() || parse_value(SqlType::of(TypeId::Boolean), option.value).integer != 0;
}

/// The name behind a prefix of ours; empty: another's.
std::string own_name(const sql::Option& option) {
  const auto dot = option.name.find('.');
  if (dot == std::string::npos) return {};
  const std::string prefix = option.name.substr(0, dot);
  return prefix == "timescaledb" || prefix == "tsdb" || prefix == "tickstone" ? option.name.substr(dot + 1)
                                                                              : std::string();
}

struct Source {
  const catalog::RelationObject* relation = nullptr;
  std::string alias;  // what the query calls it
};

/// The one hypertable or aggregate that the query reads.
Source source_of(const SessionContext& context, const sql::Expr& query) {
  const auto fail = [](std::string detail) {
    throw Error(ErrorCode::FeatureNotSupported, "invalid continuous aggregate view", std::move(detail));
  };
  Source source;
  for (const auto& item : sql::aggregate_relations_of(query)) {
    const auto* found = context.find_user_relation(item.name.schema, item.name.name);
    if (found == nullptr || (!found->hypertable && !found->aggregate)) continue;
    if (source.relation != nullptr) fail("Only one hypertable is allowed in continuous aggregate view.");
    if (item.is_only) fail("FROM ONLY on hypertables is not allowed in continuous aggregate.");
    if (item.is_optional) fail("The hypertable must not be on the right side of a LEFT JOIN.");
    if (item.is_in_subquery) fail("The hypertable must not be in a subquery.");
    source = {found, item.alias};
  }
  if (source.relation == nullptr) fail("At least one hypertable should be used in the view definition.");
  return source;
}

void read_bucket(const sql::AggregateShape& shape, const SqlType& type, catalog::AggregateInfo& info) {
  info.bucket_function_text = shape.bucket_function;
  const auto refuse_width = [] {
    throw Error(ErrorCode::InvalidParameterValue, "time bucket width must be greater than zero");
  };
  if (is_integer(type.id)) {
    info.bucket_width =
        static_cast<std::int64_t>(parse_value(SqlType::of(TypeId::BigInt), shape.bucket_width).integer);
    if (info.bucket_width <= 0) refuse_width();
    return;
  }
  const auto width = parse_interval(shape.bucket_width);
  if (!width) {
    throw Error(ErrorCode::FeatureNotSupported, "only immutable expressions allowed in time bucket function",
                {}, "Use an immutable expression as first argument to the time bucket function.");
  }
  if (width->months != 0 && (width->days != 0 || width->micros != 0)) {
    throw Error(ErrorCode::FeatureNotSupported, "invalid interval specified", {},
                "Use either months or days and hours, but not months, days and hours together");
  }
  info.bucket_width_months = width->months;
  info.bucket_width = width->days * kMicrosPerDay + width->micros;
  if (info.bucket_width_months < 0 || (info.bucket_width_months == 0 && info.bucket_width <= 0))
    refuse_width();
}

std::string width_text(const catalog::AggregateInfo& info, const SqlType& type) {
  if (is_integer(type.id)) return std::to_string(info.bucket_width);
  return format_interval({info.bucket_width_months,
                          static_cast<std::int32_t>(info.bucket_width / kMicrosPerDay),
                          info.bucket_width % kMicrosPerDay});
}

/// What is grouped by besides time are the series of the materialization: one symbol's buckets lie together.
void keep_series(const sql::AggregateBucket& bucket, catalog::RelationObject& view) {
  std::string ids;
  for (const std::size_t position : bucket.group_columns) {
    const auto& column = view.columns.at(position);
    if (is_text_like(column.type.id)) ids += (ids.empty() ? "" : ",") + std::to_string(column.id);
  }
  if (!ids.empty()) view.options.emplace_back(kSeriesOption, ids);
}

/// Buckets of one on top of another must be made of whole buckets of that.
void check_hierarchy(const std::string& name, const catalog::RelationObject& source,
                     const std::string& source_name, const catalog::AggregateInfo& info, const SqlType& type,
                     const sql::AggregateBucket& bucket) {
  if (!source.aggregate) return;
  const std::string timezone = bucket.timezone ? bucket.timezone->text : std::string();
  const auto& below = *source.aggregate;
  const std::string timezone_below = AggregateBuckets(source).timezone();
  if ((below.bucket_width_months > 0 || !timezone_below.empty()) && info.bucket_width_months == 0 &&
      timezone.empty()) {
    throw Error(
        ErrorCode::FeatureNotSupported,
        "cannot create continuous aggregate with fixed-width bucket on top of one using variable-width "
        "bucket",
        "Continuous aggregate with a fixed time bucket width (e.g. 61 days) cannot be created on top of "
        "one using variable time bucket width (e.g. 1 month).\nThe variance can lead to the fixed width "
        "one not being a multiple of the variable width one.");
  }
  const auto refuse = [&](const char* relation) {
    throw Error(
        ErrorCode::FeatureNotSupported, "cannot create continuous aggregate with incompatible bucket width",
        "Time bucket width of \"" + name + "\" [" + width_text(info, type) + "] should be " + relation +
            " the time bucket width of \"" + source_name + "\" [" + width_text(below, type) + "].");
  };
  const auto length = [](const catalog::AggregateInfo& of) {
    return of.bucket_width_months * 30 * kMicrosPerDay + of.bucket_width;
  };
  if (length(info) < length(below)) refuse("greater or equal than");
  const bool divides = below.bucket_width_months > 0
                           ? info.bucket_width_months % below.bucket_width_months == 0
                       : info.bucket_width_months > 0 ? kMicrosPerDay % below.bucket_width == 0
                                                      : info.bucket_width % below.bucket_width == 0;
  if (!divides) refuse("multiple of");
  if (timezone != timezone_below && !timezone_below.empty()) {
    throw Error(ErrorCode::FeatureNotSupported,
                "cannot create continuous aggregate with different bucket timezone values");
  }
  const auto bucket_below = sql::aggregate_bucket_of(sql::parse_query(below.definition_text));
  const auto require_same = [&](const char* what, const std::optional<sql::Constant>& own,
                                const std::optional<sql::Constant>& other) {
    const auto shown = [](const std::optional<sql::Constant>& value) { return value ? value->text : "NULL"; };
    if (shown(own) == shown(other)) return;
    throw Error(ErrorCode::FeatureNotSupported,
                std::string("cannot create continuous aggregate with different bucket ") + what + " values",
                "Time origin of \"" + name + "\" [" + shown(own) + "] and \"" + source_name + "\" [" +
                    shown(other) + "] should be the same.");
  };
  require_same("origin", bucket.origin, bucket_below.origin);
  require_same("offset", bucket.offset, bucket_below.offset);
}

}  // namespace

bool is_continuous_aggregate(const sql::CreateMaterializedViewStatement& create) {
  return std::any_of(create.options.begin(), create.options.end(), [](const sql::Option& option) {
    return own_name(option) == "continuous" && is_on(option);
  });
}

std::string create_continuous_aggregate(SessionContext& context,
                                        const sql::CreateMaterializedViewStatement& create) {
  if (!create.with_no_data && !context.is_alone()) {
    throw Error(ErrorCode::ActiveSqlTransaction,
                "CREATE MATERIALIZED VIEW ... WITH DATA cannot run inside a transaction block");
  }
  const auto shape = sql::aggregate_shape_of(create.query);
  {
    // Nobody writes rows of it until all who do know of the aggregate.
    const auto catalog = context.catalog();
    (void)context.relations_of(create.query);  // all that it names is there
    const auto& found = *source_of(context, create.query).relation;
    context.lock_for_change({catalog->find_schema(found.schema)->name, found.name, 0},
                            "CREATE MATERIALIZED VIEW");
  }
  auto& edit = context.edit_catalog("CREATE MATERIALIZED VIEW");
  catalog::RelationObject view = new_materialized_view(context, create);
  view.kind = catalog::RelationKind::ContinuousAggregate;
  const auto catalog = context.catalog();
  const auto found = source_of(context, create.query);
  const catalog::RelationObject source = *found.relation;
  const auto& dimension = time_dimension(source);
  const auto* time = source.find_column(dimension.column);
  if (shape.time_column != time->name ||
      (!shape.time_relation.empty() && shape.time_relation != found.alias)) {
    throw Error(ErrorCode::FeatureNotSupported,
                "time bucket function must reference the primary hypertable dimension column");
  }
  const auto bucket_arguments = sql::aggregate_bucket_of(create.query);
  catalog::AggregateInfo info;
  info.source_table = source.oid;
  info.definition_text = view.view_text;
  const auto& bucket = view.columns.at(bucket_arguments.position);
  info.bucket_column = bucket.name;
  std::string search_path;
  for (const auto& schema : context.search_path()) search_path += (search_path.empty() ? "" : "\n") + schema;
  view.options.emplace_back(kSearchPathOption, search_path);
  keep_series(bucket_arguments, view);
  read_bucket(shape, bucket.type, info);

  std::vector<sql::Option> storage_options;
  for (const auto& option : create.options) {
    const std::string name = own_name(option);
    if (name.empty()) {
      throw Error(
          ErrorCode::FeatureNotSupported, "unsupported combination of storage parameters",
          "A continuous aggregate does not support standard storage parameters.",
          "Use only parameters with the \"timescaledb.\" prefix when creating a continuous aggregate.");
    } else if (name == "materialized_only") {
      info.materialized_only = is_on(option);
    } else if (name == "eager") {
      if (is_on(option)) view.options.emplace_back(kEagerOption, "true");
    } else if (name != "continuous" && name != "create_group_indexes" && name != "finalized") {
      storage_options.push_back(option);
    }
  }
  const std::string schema_name = catalog->find_schema(view.schema)->name;
  check_hierarchy(schema_name + "." + view.name, source,
                  catalog->find_schema(source.schema)->name + "." + source.name, info, bucket.type,
                  bucket_arguments);
  catalog::HypertableInfo hypertable;
  hypertable.id = edit.catalog().next_hypertable_id();
  catalog::HypertableInfo::Dimension bucket_dimension;
  bucket_dimension.id = hypertable.id;
  bucket_dimension.column = bucket.id;
  bucket_dimension.interval = source.aggregate ? dimension.interval : dimension.interval * kChunkFactor;
  hypertable.dimensions.push_back(bucket_dimension);
  view.hypertable = std::move(hypertable);
  view.aggregate = std::move(info);
  (void)AggregateBuckets(view);  // refuses widths that are none
  edit.put_relation(view);
  // What its query means with some of the rows left out must be sayable too.
  (void)aggregate_query(context, view, {{ScanCondition::Kind::Changed, 0}});
  create_storage(context, view);
  append_logged_ranges(context.writes("CREATE MATERIALIZED VIEW"), kInvalidationTable, view.oid, {{}});
  if (!storage_options.empty()) {
    set_table_options(context, view, storage_options, false);
    edit.put_relation(view);
  }
  if (create.with_no_data) return "CREATE MATERIALIZED VIEW";
  context.notice({"NOTICE",
                  ErrorCode::SuccessfulCompletion,
                  "refreshing continuous aggregate \"" + view.name + "\"",
                  {},
                  "Use WITH NO DATA if you do not want to refresh the continuous aggregate on creation."});
  refresh_aggregate(context, view.oid, {}, {});
  return "CREATE MATERIALIZED VIEW";
}

void set_eager(SessionContext& context, catalog::RelationObject& aggregate, bool is_eager) {
  if (is_eager_aggregate(aggregate) == is_eager) return;
  const auto catalog = context.catalog();
  const auto& source = *catalog->find_relation(aggregate.aggregate->source_table);
  // Whoever writes rows of it must know.
  context.lock_for_change({catalog->find_schema(source.schema)->name, source.name, 0},
                          "ALTER MATERIALIZED VIEW");
  std::erase_if(aggregate.options, [](const auto& option) { return option.first == kEagerOption; });
  if (!is_eager) return;
  aggregate.options.emplace_back(kEagerOption, "true");
  context.notice({"NOTICE",
                  ErrorCode::SuccessfulCompletion,
                  "continuous aggregate \"" + aggregate.name + "\" is kept current from now on",
                  {},
                  "Refresh it once for what has changed before."});
}

void forget_aggregate_of(SessionContext& context, const catalog::RelationObject& relation) {
  if (!relation.aggregate && !relation.hypertable) return;
  auto& writes = context.writes("DROP");
  forget_aggregate(writes, *writes.read_view(), relation.oid);
  context.on_commit(
      [&tracker = context.database().aggregates(), oid = relation.oid] { tracker.forget(oid); });
}

}  // namespace tickstone::engine
