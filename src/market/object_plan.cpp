// SPDX-License-Identifier: Apache-2.0
#include "market/object_plan.hpp"

#include <algorithm>
#include <span>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "base/checksum.hpp"
#include "market/aggregate_parts.hpp"
#include "market/table_facts.hpp"

namespace tickstone::market {
namespace {

using Phase = ObjectStep::Phase;

bool is_tickstone(Home home) { return home == Home::Embedded || home == Home::Tickstone; }

std::string checksum_of(const std::string& text) {
  return fmt::format("{:016x}", checksum64(std::as_bytes(std::span(text.data(), text.size()))));
}

bool is_function(ObjectKind kind) { return kind == ObjectKind::Function || kind == ObjectKind::Procedure; }

class Planner {
 public:
  Planner(const HomeFacts& source, const HomeFacts& target, const PlanOptions& options)
      : source_(source), target_(target), options_(options) {
    for (const auto& object : target.objects) there_[object.full_name] = &object;
    for (const auto& role : target.roles) roles_.insert(role.name);
  }

  ObjectPlan plan() {
    if (options_.makes_roles) add_roles();
    for (const auto& object : source_.objects) {
      if (is_wanted(object)) add_definition(object);
    }
    add_layouts();
    add_integer_now();
    for (const auto& job : source_.jobs) add_job(job);
    for (const auto& object : source_.objects) {
      if (!is_wanted(object) || lost_.contains(object.full_name)) continue;
      add_comments(object);
      add_owner(object);
      add_rights(object);
    }
    if (options_.tables.empty()) {
      for (const auto& one : source_.foreign)
        plan_.left_out.push_back({one.what, "copy does not bring it", one.remedy});
    }
    report_roles();
    std::stable_sort(plan_.steps.begin(), plan_.steps.end(),
                     [](const auto& one, const auto& other) { return one.phase < other.phase; });
    return std::move(plan_);
  }

 private:
  bool is_wanted(const ObjectFacts& object) const {
    return options_.tables.empty() || options_.tables.contains(object.full_name);
  }
  bool is_wanted(const std::string& relation) const {
    return options_.tables.empty() || options_.tables.contains(relation);
  }
  const ObjectFacts* find_there(const std::string& full_name) const {
    const auto found = there_.find(full_name);
    return found == there_.end() ? nullptr : found->second;
  }
  void leave_out(std::string what, std::string reason, std::string remedy = {}) {
    plan_.left_out.push_back({std::move(what), std::move(reason), std::move(remedy)});
  }
  ObjectStep& add(Phase phase, std::string what, std::vector<std::string> statements) {
    return plan_.steps.emplace_back(ObjectStep{phase, std::move(what), std::move(statements), {}, {}, {}});
  }
  static std::string named(const ObjectFacts& object) {
    return std::string(to_string(object.kind)) + " " + object.short_name;
  }
  /// Homes that print definitions alike.
  bool is_comparable() const {
    return source_.home == target_.home || (is_tickstone(source_.home) && is_tickstone(target_.home));
  }

  void add_roles() {
    for (const auto& role : source_.roles) {
      const bool is_new = roles_.insert(role.name).second;
      if (is_new) {
        std::string create =
            "CREATE ROLE " + quote_name(role.name) + (role.may_login ? " LOGIN" : " NOLOGIN");
        if (role.may_create_roles) create += " CREATEROLE";
        if (role.may_create_databases) create += " CREATEDB";
        if (role.connection_limit != "-1") create += " CONNECTION LIMIT " + role.connection_limit;
        if (!role.verifier.empty()) create += " PASSWORD " + quote_literal(role.verifier);
        add(Phase::Roles, "role " + role.name, {create});
        if (role.may_login && role.verifier.empty())
          leave_out("password of role " + role.name, "the source does not show it",
                    "ALTER ROLE " + quote_name(role.name) + " PASSWORD '...' at the target.");
        if (role.is_superuser)
          leave_out("SUPERUSER of role " + role.name, "copy makes no superusers",
                    "ALTER ROLE " + quote_name(role.name) + " SUPERUSER at the target, if it is to be one.");
      }
      const auto there = std::find_if(target_.roles.begin(), target_.roles.end(),
                                      [&](const RoleFacts& one) { return one.name == role.name; });
      for (const auto& group : role.member_of) {
        if (there != target_.roles.end() &&
            std::find(there->member_of.begin(), there->member_of.end(), group) != there->member_of.end())
          continue;
        add(Phase::Roles, "membership of " + role.name + " in " + group,
            {"GRANT " + quote_name(group) + " TO " + quote_name(role.name)});
      }
    }
  }

  void add_definition(const ObjectFacts& object) {
    if (object.kind == ObjectKind::Table) return;
    const std::string what = named(object);
    const ObjectFacts* there = find_there(object.full_name);
    if (object.kind == ObjectKind::Schema || object.kind == ObjectKind::Sequence) {
      if (there != nullptr) return;
      if (object.kind == ObjectKind::Schema)
        add(Phase::Schemas, what, {"CREATE SCHEMA " + object.full_name});
      else
        add(Phase::Definitions, what, {object.definition});
      return;
    }
    const std::string checksum = checksum_of(object.definition + object.options);
    const auto copied = target_.copied.find(what);
    const bool has_changed = copied != target_.copied.end() && copied->second != checksum;
    const bool differs = there != nullptr && is_comparable() &&
                         (there->definition != object.definition || there->options != object.options);
    if (there != nullptr && !has_changed && !differs) return;
    const bool may_replace = has_changed || options_.replaces;
    if (there != nullptr && !may_replace)
      return leave_out(what, "the target's is another one",
                       "Use --replace to put the source's in its place.");
    try {
      auto statements = definition_statements(object);
      if (there != nullptr && object.kind == ObjectKind::MaterializedView)
        statements.insert(statements.begin(), "DROP MATERIALIZED VIEW " + object.full_name);
      if (there != nullptr && object.kind == ObjectKind::Aggregate)
        statements.insert(statements.begin(), drop_aggregate(object));
      auto& step = add(Phase::Definitions, what, std::move(statements));
      step.checksum = checksum;
      if (object.kind != ObjectKind::Aggregate) return;
      step.refreshes = object.full_name;
      if (!object.options.empty() && !is_tickstone(target_.home))
        leave_out("tickstone.eager of " + what, "aggregates are current at each commit on Tickstone alone",
                  "Give it a refresh policy at the target.");
    } catch (const Error& error) {
      // Boundary: what cannot be said to the target is no end of the copy.
      lost_.insert(object.full_name);
      leave_out(what, error.message(), error.hint());
    }
  }

  std::vector<std::string> definition_statements(const ObjectFacts& object) const {
    if (is_function(object.kind)) {
      if (is_tickstone(target_.home) && object.language != "sql")
        throw Error(ErrorCode::FeatureNotSupported,
                    "Tickstone runs functions in SQL alone, this one is in " + object.language, {},
                    "Write it in SQL, or have the application do its work.");
      return {object.definition};
    }
    if (object.kind == ObjectKind::View)
      return {"CREATE OR REPLACE VIEW " + object.full_name +
              (object.options.empty() ? "" : " WITH (" + object.options + ")") + " AS " + object.definition};
    if (object.kind == ObjectKind::Aggregate) return {aggregate_statement(object)};
    std::vector<std::string> statements = {"CREATE MATERIALIZED VIEW " + object.full_name + " AS " +
                                           object.definition};
    statements.insert(statements.end(), object.indexes.begin(), object.indexes.end());
    return statements;
  }

  std::string drop_aggregate(const ObjectFacts& object) const {
    return target_.home == Home::PostgreSql
               ? "SELECT _tickstone.drop_continuous_aggregate(" + quote_literal(object.full_name) + ")"
               : "DROP MATERIALIZED VIEW " + object.full_name;
  }

  std::string aggregate_statement(const ObjectFacts& object) const {
    const char* only = object.is_materialized_only ? "TRUE" : "FALSE";
    if (target_.home != Home::PostgreSql)
      return "CREATE MATERIALIZED VIEW " + object.full_name +
             " WITH (timescaledb.continuous, timescaledb.materialized_only = " + only +
             (object.options.empty() || !is_tickstone(target_.home) ? "" : ", " + object.options) + ") AS " +
             object.definition + " WITH NO DATA";
    const auto parts = aggregate_parts(object.definition);
    return "SELECT _tickstone.create_continuous_aggregate(" + quote_literal(object.full_name) + ", " +
           quote_literal(parts.hypertable) + ", " + quote_literal(parts.bucket_column) + ", " +
           parts.bucket_width + ", " + quote_literal(parts.select_list) + ", " +
           quote_literal(parts.group_by) + ", " + quote_literal(parts.where_clause) +
           ", materialized_only => " + only + ")";
  }

  void add_layouts() {
    std::string without;
    for (const auto& layout : source_.layouts) {
      if (!is_wanted(layout.relation)) continue;
      const bool is_there =
          std::find(target_.layouts.begin(), target_.layouts.end(), layout) != target_.layouts.end();
      if (is_there) continue;
      if (target_.home == Home::PostgreSql) {
        without += (without.empty() ? "" : ", ") + layout.relation;
        continue;
      }
      std::string alter = std::string("ALTER ") + (layout.is_aggregate ? "MATERIALIZED VIEW " : "TABLE ") +
                          layout.relation + " SET (timescaledb.compress = true";
      if (!layout.segment_by.empty())
        alter += ", timescaledb.compress_segmentby = " + quote_literal(layout.segment_by);
      if (!layout.order_by.empty())
        alter += ", timescaledb.compress_orderby = " + quote_literal(layout.order_by);
      add(Phase::Layouts, "compression settings of " + layout.relation, {alter + ")"});
    }
    if (!without.empty())
      leave_out("compression settings of " + without, "PostgreSQL without TimescaleDB has no columnstore");
  }

  void add_integer_now() {
    for (const auto& [relation, function] : source_.integer_now) {
      const auto there = target_.integer_now.find(relation);
      if (!is_wanted(relation) || (there != target_.integer_now.end() && there->second == function)) continue;
      add(Phase::Layouts, "integer_now function of " + relation,
          {"SELECT set_integer_now_func(" + quote_literal(relation) + ", " +
           quote_literal(quote_name(function)) + ", replace_if_exists => TRUE)"});
    }
  }

  void add_job(const JobFacts& job) {
    if (job.relation.empty() ? !options_.tables.empty() : !is_wanted(job.relation)) return;
    const std::string what =
        (job.is_policy() ? job.name : "job " + job.name + " (" + job.procedure_name + ")") +
        (job.relation.empty() ? "" : " of " + job.relation);
    if (lost_.contains(job.relation))
      return leave_out(what, "what it works on is not at the target", "Make that first, and copy again.");
    const bool is_recorded_alone = source_.home == Home::PostgreSql || target_.home == Home::PostgreSql;
    const JobFacts* there = nullptr;
    for (const auto& one : target_.jobs) {
      if (is_same_job(job, one, is_recorded_alone)) return;
      if (is_same_work(job, one)) there = &one;
    }
    try {
      auto statements = job_statements(job, source_.home, target_.home);
      // A retention and the like of other ages: there is one of a kind.
      const auto removal = removal_statement(job);
      if (there != nullptr && removal.empty()) return;
      if (there != nullptr) statements.insert(statements.begin(), removal);
      const bool is_of_another = job.owner != source_.user && roles_.contains(job.owner);
      if (is_of_another) statements.insert(statements.begin(), "SET LOCAL ROLE " + quote_name(job.owner));
      add(Phase::Jobs, what, std::move(statements));
    } catch (const Error& error) {
      // Boundary: what cannot be said to the target is no end of the copy.
      leave_out(what, error.message(), error.hint());
    }
  }

  void add_comments(const ObjectFacts& object) {
    const ObjectFacts* there = find_there(object.full_name);
    for (const auto& [column, comment] : object.comments) {
      if (there != nullptr) {
        const auto other = there->comments.find(column);
        if (other != there->comments.end() && other->second == comment) continue;
      }
      // Aggregates are views to COMMENT, on all homes.
      const auto word =
          object.kind == ObjectKind::Aggregate ? sql_word(ObjectKind::View) : sql_word(object.kind);
      add(Phase::Rights, "comment on " + (column.empty() ? "" : "column " + column + " of ") + named(object),
          {"COMMENT ON " +
           (column.empty() ? std::string(word) + " " + object.full_name
                           : "COLUMN " + object.full_name + "." + quote_name(column)) +
           " IS " + quote_literal(comment)});
    }
  }

  std::string word_at_target(const ObjectFacts& object) const {
    if (object.kind == ObjectKind::Aggregate && target_.home == Home::PostgreSql) return "VIEW";
    return std::string(sql_word(object.kind));
  }

  void add_owner(const ObjectFacts& object) {
    // What belongs to whoever copies from the source belongs to whoever copies to the target.
    if (object.owner == source_.user) return;
    const ObjectFacts* there = find_there(object.full_name);
    if (there != nullptr && there->owner == object.owner) return;
    if (!roles_.contains(object.owner))
      return void(missing_[object.owner].push_back("owner of " + named(object)));
    auto& step = add(Phase::Rights, "owner of " + named(object),
                     {"ALTER " + word_at_target(object) + " " + object.full_name + " OWNER TO " +
                      quote_name(object.owner)});
    // The sequence of a column goes with its table.
    if (object.kind == ObjectKind::Sequence)
      step.unless = "SELECT 1 FROM pg_class c WHERE c.oid = " + quote_literal(object.full_name) +
                    "::regclass AND pg_get_userbyid(c.relowner) = " + quote_literal(object.owner);
  }

  /// Whether `items` have the right, given on or not.
  static bool has(const std::vector<AccessItem>& items, const AccessItem& wanted) {
    return std::any_of(items.begin(), items.end(), [&](const AccessItem& one) {
      return one.grantee == wanted.grantee && one.privilege == wanted.privilege &&
             (one.is_grantable || !wanted.is_grantable);
    });
  }

  void add_rights(const ObjectFacts& object) {
    const ObjectFacts* there = find_there(object.full_name);
    const std::vector<AccessItem> none;
    const auto& given = there == nullptr ? none : there->access;
    const std::string on =
        (object.kind == ObjectKind::Schema || object.kind == ObjectKind::Sequence || is_function(object.kind)
             ? std::string(sql_word(object.kind)) + " "
             : "") +
        object.full_name;
    if (is_function(object.kind) && object.has_access && !has(object.access, {"", "EXECUTE", false}) &&
        (there == nullptr || !there->has_access || has(there->access, {"", "EXECUTE", false})))
      add(Phase::Rights, "rights of all to " + named(object), {"REVOKE EXECUTE ON " + on + " FROM PUBLIC"});
    for (const auto& item : object.access) {
      // Without a word said of it a function is everybody's.
      if (has(given, item)) continue;
      if (is_function(object.kind) && item.grantee.empty() && (there == nullptr || !there->has_access))
        continue;
      grant(object, item, item.privilege, on);
    }
    for (const auto& [column, items] : object.column_access) {
      for (const auto& item : items) {
        if (there != nullptr) {
          const auto other = there->column_access.find(column);
          if (other != there->column_access.end() && has(other->second, item)) continue;
        }
        grant(object, item, item.privilege + " (" + quote_name(column) + ")", on);
      }
    }
  }

  void grant(const ObjectFacts& object, const AccessItem& item, const std::string& privilege,
             const std::string& on) {
    const std::string to = item.grantee.empty() ? "PUBLIC" : item.grantee;
    const std::string what = privilege + " on " + named(object) + " for " + to;
    if (!item.grantee.empty() && !roles_.contains(item.grantee))
      return void(missing_[item.grantee].push_back(what));
    add(Phase::Rights, what,
        {"GRANT " + privilege + " ON " + on + " TO " +
         (item.grantee.empty() ? "PUBLIC" : quote_name(item.grantee)) +
         (item.is_grantable ? " WITH GRANT OPTION" : "")});
  }

  void report_roles() {
    for (const auto& [role, whats] : missing_) {
      std::string all;
      for (const auto& what : whats) all += (all.empty() ? "" : ", ") + what;
      leave_out(all, "role \"" + role + "\" does not exist at the target",
                "Make it there or use --roles, and copy again.");
    }
  }

  const HomeFacts& source_;
  const HomeFacts& target_;
  const PlanOptions& options_;
  std::map<std::string, const ObjectFacts*> there_;
  std::set<std::string> roles_;
  std::set<std::string> lost_;                               // what the target cannot have
  std::map<std::string, std::vector<std::string>> missing_;  // what roles are missed for
  ObjectPlan plan_;
};

}  // namespace

HomeFacts read_home(Connection& connection, Home home) {
  HomeFacts facts;
  facts.home = home;
  facts.user = rows_of(connection, "SELECT current_user").at(0).at(0).value_or("");
  facts.objects = read_objects(connection, home);
  facts.jobs = read_jobs(connection, home);
  facts.layouts = read_layouts(connection, home);
  facts.roles = read_roles(connection, home);
  facts.foreign = read_foreign_objects(connection, home);
  const auto has = [&](const std::string& name) {
    return !rows_of(connection, "SELECT 1 WHERE to_regclass(" + quote_literal(name) + ") IS NOT NULL")
                .empty();
  };
  if (has("timescaledb_information.dimensions")) {
    for (const auto& row : rows_of(connection,
                                   "SELECT hypertable_schema, hypertable_name, integer_now_func FROM "
                                   "timescaledb_information.dimensions WHERE integer_now_func IS NOT NULL"))
      facts.integer_now[quote_name(row[0].value_or("")) + "." + quote_name(row[1].value_or(""))] =
          row[2].value_or("");
  }
  if (has("tickstone_copies")) {
    for (const auto& row : rows_of(
             connection, "SELECT table_name, checksum FROM tickstone_copies WHERE range_start = 'object'"))
      facts.copied[row[0].value_or("")] = row[1].value_or("");
  }
  return facts;
}

ObjectPlan plan_objects(const HomeFacts& source, const HomeFacts& target, const PlanOptions& options) {
  return Planner(source, target, options).plan();
}

}  // namespace tickstone::market
