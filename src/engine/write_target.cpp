// SPDX-License-Identifier: Apache-2.0
#include "engine/write_target.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include <tickstone/error.hpp>

#include "base/check.hpp"
#include "engine/chunk_relation.hpp"
#include "engine/foreign_keys.hpp"
#include "engine/insert_plan.hpp"
#include "engine/rights.hpp"
#include "engine/view_target.hpp"
#include "sql/statement_facts.hpp"

namespace tickstone::engine {
namespace {

constexpr std::size_t kPlansKept = 512;

bool contains(const std::vector<std::size_t>& list, std::size_t value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

bool is_now(const std::string& lower_text) {
  return lower_text == "now()" || lower_text == "current_timestamp" ||
         lower_text == "transaction_timestamp()";
}

/// What a kept text says of dates it says by the usual settings, not by those of who inserts.
void read_as_made(sql::Constant& constant, const SqlType& type, const FormatContext& format) {
  const bool is_usual = format.dates == DateStyle() && format.intervals != IntervalStyle::SqlStandard;
  const bool is_time = type.id == TypeId::Date || type.id == TypeId::Timestamp ||
                       type.id == TypeId::TimestampTz || type.id == TypeId::Interval;
  if (is_usual || constant.is_null || !is_time || type.is_array) return;
  FormatContext usual = format;
  usual.dates = DateStyle();
  usual.intervals = IntervalStyle::Postgres;
  // `today` is no fixed day: it is read alike by all, and again each time.
  constexpr std::int64_t kAnotherDay = 40 * kMicrosPerDay;
  FormatContext later = usual;
  later.now_us += kAnotherDay;
  const Value value = parse_value(type, constant.text, usual);
  if (value.integer == parse_value(type, constant.text, later).integer) constant.text = to_text(value, usual);
}

bool is_volatile(const std::string& lower_text) {
  static constexpr std::array kFunctions = {"nextval(",          "random(",          "gen_random_uuid(",
                                            "uuid_generate_v4(", "clock_timestamp(", "timeofday("};
  return std::any_of(kFunctions.begin(), kFunctions.end(),
                     [&](const char* name) { return lower_text.find(name) != std::string::npos; });
}

[[noreturn]] void refuse(const catalog::RelationObject& relation, const std::string& verb) {
  switch (relation.kind) {
    case catalog::RelationKind::View:
      throw Error(ErrorCode::WrongObjectType, "cannot " + verb + " view \"" + relation.name + "\"");
    case catalog::RelationKind::ContinuousAggregate:
      throw Error(
          ErrorCode::FeatureNotSupported,
          "cannot " + verb + " continuous aggregate \"" + relation.name + "\"", {},
          "Write to the hypertable it is made from; CALL refresh_continuous_aggregate brings it up to date.");
    case catalog::RelationKind::MaterializedView:
      throw Error(ErrorCode::WrongObjectType, "cannot change materialized view \"" + relation.name + "\"");
    case catalog::RelationKind::Sequence:
      throw Error(ErrorCode::WrongObjectType, "cannot change sequence \"" + relation.name + "\"");
    case catalog::RelationKind::Table:
      break;
  }
  throw Error(ErrorCode::WrongObjectType, "\"" + relation.name + "\" is not a table");
}

}  // namespace

WriteTarget::WriteTarget(const SessionContext& context, const catalog::RelationObject& relation)
    : relation_(relation),
      counters_(context.table_counters(relation.oid)),
      info_(context.relation_info(relation)) {
  const storage::TableSchema* schema = context.view().schema(relation.table());
  TICKSTONE_CHECK(schema != nullptr);
  schema_ = *schema;
  for (const auto& column : schema_.columns) {
    storage_order_.push_back(column_index(column.id));
    is_in_order_ = is_in_order_ && storage_order_.back() + 1 == storage_order_.size();
  }
  TICKSTONE_CHECK(storage_order_.size() == relation_.columns.size());
  for (std::size_t i = 0; i < relation_.columns.size(); ++i) {
    const auto& column = relation_.columns[i];
    source_columns_.push_back({column.name, column.type, initial_layout(column.type), false, column.id});
    parsers_.push_back(find_field_parser(column.type, context.settings().format_context()));
    plan_default(context, column);
    plan_domain(context, column, i);
    if (!column.generated_text.empty())
      generated_.push_back({i, sql::parse_expression(column.generated_text)});
  }
  for (const auto& constraint : relation_.constraints) {
    if (constraint.kind != catalog::ConstraintObject::Kind::Check) continue;
    checks_.push_back({constraint.name, sql::parse_expression(constraint.check_text)});
  }
  std::sort(checks_.begin(), checks_.end(), [](const Check& a, const Check& b) { return a.name < b.name; });
  for (const auto id : storage::key_columns(schema_)) {
    if (id != storage::kRowIdColumn) key_.push_back(column_index(id));
  }
  old_columns_ = key_;
  for (const auto& index : relation_.indexes) {
    if (index.key_table == 0) continue;
    UniqueKey key(relation_, index);
    for (const auto column : key.read_columns) {
      if (!contains(old_columns_, column)) old_columns_.push_back(column);
    }
    has_computed_keys_ = has_computed_keys_ || key.is_computed();
    unique_keys_.push_back(std::move(key));
  }
  find_references(*context.catalog(), relation_, references_, referenced_by_);
  for (const auto& reference : references_) {
    for (const auto id : reference.child_columns) {
      const auto column = column_index(id);
      if (!contains(old_columns_, column)) old_columns_.push_back(column);
    }
  }
  for (const auto index : old_columns_) old_column_names_.push_back(relation_.columns[index].name);
  if (has_row_id()) old_column_names_.emplace_back("rowid");
}

WriteTarget::WriteTarget(const SessionContext& context, const catalog::Chunk& chunk)
    : WriteTarget(context, *chunk.relation) {
  info_ = chunk_info(context, chunk);
  relation_.name = chunk.name();
  const std::string condition = chunk_condition(context, chunk);
  if (condition.empty()) return;
  checks_.push_back({"constraint_" + std::to_string(chunk.info.number), sql::parse_expression(condition)});
  std::sort(checks_.begin(), checks_.end(), [](const Check& a, const Check& b) { return a.name < b.name; });
}

WriteTarget::WriteTarget(const SessionContext& context, const catalog::RelationObject& table, ViewParts view)
    : WriteTarget(context, table) {
  own_info_ = std::move(info_);
  own_source_columns_ = source_columns_;
  info_ = view.info;
  view_ = std::move(view);
  for (auto& [column, text] : default_texts_)
    column = info_.columns[static_cast<std::size_t>(relation_.find_column(column) - relation_.columns.data())]
                 .name;
  for (std::size_t i = 0; i < source_columns_.size(); ++i) source_columns_[i].name = info_.columns[i].name;
  for (std::size_t i = 0; i < old_columns_.size(); ++i)
    old_column_names_[i] = info_.columns[old_columns_[i]].name;
}

const std::vector<WriteTarget::ViewParts::Check>& WriteTarget::view_checks() const {
  static const std::vector<ViewParts::Check> none;
  return view_ ? view_->checks : none;
}

void WriteTarget::require(const SessionContext& context, catalog::Privilege privilege) const {
  if (!view_) return require_privilege(context, relation_, privilege);
  for (const auto& [relation, role] : view_->rights) require_privilege(context, relation, privilege, role);
}

std::optional<std::size_t> WriteTarget::find_column(const std::string& name) const {
  for (const auto index : listed_columns()) {
    if (info_.columns[index].name == name) return index;
  }
  return std::nullopt;
}

std::vector<std::size_t> WriteTarget::listed_columns() const {
  if (info_.shown) return *info_.shown;
  std::vector<std::size_t> all(relation_.columns.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

void WriteTarget::plan_domain(const SessionContext& context, const catalog::ColumnObject& column,
                              std::size_t index) {
  const auto catalog = context.catalog();
  const auto* domain = column.domain == 0 ? nullptr : catalog->find_type(column.domain);
  if (domain == nullptr) return;
  const std::string name = catalog::quote_identifier(domain->name);
  if (domain->not_null) domain_checks_.push_back({name, {}, index, {}});
  for (const auto& check : domain->checks) {
    domain_checks_.push_back(
        {name, check.name, index, sql::with_value_named(sql::parse_expression(check.text), column.name)});
  }
}

void WriteTarget::plan_default(const SessionContext& context, const catalog::ColumnObject& column) {
  DefaultPlan plan;
  const auto catalog = context.catalog();
  const auto* domain = column.domain == 0 ? nullptr : catalog->find_type(column.domain);
  const bool is_of_domain = column.default_text.empty() && column.sequence == 0 && domain != nullptr;
  const std::string& default_text = is_of_domain ? domain->default_text : column.default_text;
  if (!default_text.empty()) default_texts_.emplace_back(column.name, default_text);
  const std::string text = lower(default_text);
  if (column.sequence != 0 && (text.empty() || text.starts_with("nextval("))) {
    plan.kind = DefaultPlan::Kind::Sequence;
    plan.sequence = column.sequence;
    if (text.empty()) {  // an identity
      if (const auto* sequence = context.catalog()->find_relation(column.sequence)) {
        std::string name = catalog::quote_identifier(sequence->name);
        std::string quoted;
        for (const char c : name) quoted += c == '\'' ? "''" : std::string(1, c);
        default_texts_.emplace_back(column.name, "nextval('" + quoted + "'::regclass)");
      }
    }
  } else if (is_now(text)) {
    plan.kind = DefaultPlan::Kind::Now;
  } else if (!text.empty()) {
    plan.expression = sql::parse_expression(default_text);
    if (auto constant = sql::constant_of(plan.expression)) {
      plan.kind = constant->is_null ? DefaultPlan::Kind::Null : DefaultPlan::Kind::Constant;
      read_as_made(*constant, column.type, context.settings().format_context());
      plan.constant = std::move(*constant);
    } else if (is_volatile(text)) {
      plan.kind = DefaultPlan::Kind::PerRow;
      has_expression_defaults_ = true;
    } else {
      plan.kind = DefaultPlan::Kind::PerStatement;
      has_expression_defaults_ = true;
    }
  }
  defaults_.push_back(std::move(plan));
}

std::size_t WriteTarget::column_index(const std::string& name) const {
  if (const auto found = find_column(name)) return *found;
  throw Error(ErrorCode::UndefinedColumn, "column \"" + name + "\" of relation \"" +
                                              (view_ ? info_.name : relation_.name) + "\" does not exist");
}

std::size_t WriteTarget::column_index(storage::ColumnId id) const {
  for (std::size_t i = 0; i < relation_.columns.size(); ++i) {
    if (relation_.columns[i].id == id) return i;
  }
  TICKSTONE_CHECK(false);
}

std::size_t WriteTarget::old_column_of(std::size_t column) const {
  const auto found = std::find(old_columns_.begin(), old_columns_.end(), column);
  TICKSTONE_CHECK(found != old_columns_.end());
  return static_cast<std::size_t>(found - old_columns_.begin());
}

std::vector<std::size_t> WriteTarget::column_indexes(const std::vector<storage::ColumnId>& ids) const {
  std::vector<std::size_t> indexes;
  for (const auto id : ids) indexes.push_back(column_index(id));
  return indexes;
}

Batch WriteTarget::make_batch() const {
  Batch batch;
  batch.columns.reserve(relation_.columns.size());
  for (const auto& column : relation_.columns) batch.columns.emplace_back(column.type);
  return batch;
}

Batch WriteTarget::to_storage(const Batch& rows) const {
  Batch out;
  for (const auto index : storage_order_) out.columns.push_back(rows.columns[index]);
  return out;
}

Batch WriteTarget::from_storage(const Batch& rows) const {
  Batch out = make_batch();
  for (std::size_t i = 0; i < storage_order_.size(); ++i) {
    Column& column = out.columns[storage_order_[i]];
    column = rows.columns[i];
    column.set_type(relation_.columns[storage_order_[i]].type);
  }
  return out;
}

DmlPlans& current_plans(SessionContext& context) {
  auto& plans = context.dml_plans();
  if (plans == nullptr) plans = std::make_shared<DmlPlans>();
  auto catalog = context.catalog();
  // A transaction that changes the catalog does so in place: nothing made from it is kept.
  if (plans->catalog != catalog || context.has_catalog_edit() ||
      plans->settings_version != context.settings().version() || plans->prepared.size() > kPlansKept) {
    plans->targets.clear();
    plans->prepared.clear();
    plans->catalog = context.has_catalog_edit() ? nullptr : std::move(catalog);
    plans->settings_version = context.settings().version();
  }
  return *plans;
}

const catalog::RelationObject& relation_to_write(SessionContext& context, const sql::QualifiedName& name) {
  if (!name.schema.empty() && name.position > 0) context.require_usage(name.schema);
  const auto* found = context.find_user_relation(name.schema, name.name);
  if (found != nullptr) return *found;
  const std::string schema = name.schema.empty() ? "pg_catalog" : name.schema;
  if (catalog::system_relation_columns(schema, name.name) != nullptr) {
    throw Error(ErrorCode::InsufficientPrivilege,
                "permission denied: \"" + name.name + "\" is a system catalog");
  }
  return context.relation(name);
}

namespace {

std::optional<catalog::Privilege> privilege_of(const std::string& verb) {
  using catalog::Privilege;
  if (verb == "insert into" || verb == "copy to") return Privilege::Insert;
  if (verb == "update" || verb == "lock rows of") return Privilege::Update;
  if (verb == "delete from") return Privilege::Delete;
  return std::nullopt;
}

/// What a statement that is told by its verb needs to write, to some column at least: to which, and what it
/// reads, it asks for itself.
void require_verb(const SessionContext& context, const catalog::RelationObject& relation,
                  const std::string& verb) {
  using catalog::Privilege;
  if (verb == "insert into" || verb == "copy to")
    require_any_column(context, relation, Privilege::Insert, context.user());
  if (verb == "update" || verb == "lock rows of")
    require_any_column(context, relation, Privilege::Update, context.user());
  if (verb == "delete from") require_privilege(context, relation, Privilege::Delete);
}

/// INSERT, UPDATE or DELETE: what can be done through a view.
bool is_of_statement(const std::string& verb) {
  return verb == "insert into" || verb == "update" || verb == "delete from";
}

}  // namespace

std::shared_ptr<const WriteTarget> find_write_target(SessionContext& context, const sql::QualifiedName& name,
                                                     const std::string& verb) {
  auto& plans = current_plans(context);
  if (const auto chunk = find_chunk(context, name.schema, name.name)) {
    if (chunk->relation->kind != catalog::RelationKind::Table) refuse(*chunk->relation, verb);
    require_verb(context, *chunk->relation, verb);
    if (const auto found = plans.targets.find(chunk->oid()); found != plans.targets.end())
      return found->second;
    auto target = std::make_shared<const WriteTarget>(context, *chunk);
    plans.targets.emplace(chunk->oid(), target);
    return target;
  }
  const auto& relation = relation_to_write(context, name);
  if (relation.kind == catalog::RelationKind::View && is_of_statement(verb)) {
    // Its condition is written anew for each statement.
    require_verb(context, relation, verb);
    auto target = view_target(context, relation, verb);
    target->require(context, *privilege_of(verb));
    return target;
  }
  if (relation.kind != catalog::RelationKind::Table) refuse(relation, verb);
  require_verb(context, relation, verb);
  if (const auto found = plans.targets.find(relation.oid); found != plans.targets.end()) return found->second;
  auto target = std::make_shared<const WriteTarget>(context, relation);
  plans.targets.emplace(relation.oid, target);
  return target;
}

std::shared_ptr<const WriteTarget> lock_write_target(SessionContext& context, const sql::QualifiedName& name,
                                                     const std::string& verb, std::string_view command) {
  for (;;) {
    auto target = find_write_target(context, name, verb);
    if (!context.lock_for_write(target->relation(), command) && !lock_dependents(context, *target, command))
      return target;
  }
}

}  // namespace tickstone::engine
