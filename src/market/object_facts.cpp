// SPDX-License-Identifier: Apache-2.0
#include "market/object_facts.hpp"

#include <algorithm>
#include <set>

#include "market/table_facts.hpp"

namespace tickstone::market {
namespace {

using Row = std::vector<std::optional<std::string>>;

std::string text(const Row& row, std::size_t column) { return row.at(column).value_or(""); }

std::string quoted(const std::string& schema, const std::string& name) {
  return quote_name(schema) + "." + quote_name(name);
}

bool is_tickstone(Home home) { return home == Home::Embedded || home == Home::Tickstone; }

/// Nothing of the kind is in Tickstone's catalog, which brings its extensions itself.
std::string is_of_no_extension(Home home, const char* catalog, const char* oid) {
  if (is_tickstone(home)) return "";
  return std::string(" AND NOT EXISTS (SELECT 1 FROM pg_depend e WHERE e.classid = '") + catalog +
         "'::regclass AND e.objid = " + oid + " AND e.deptype = 'e')";
}

void read_schemas(Connection& connection, Home home, std::vector<ObjectFacts>& objects) {
  for (const auto& row : rows_of(connection,
                                 "SELECT n.nspname, pg_get_userbyid(n.nspowner), n.nspacl::text FROM "
                                 "pg_namespace n WHERE n.nspname <> 'public' AND " +
                                     is_users_schema("n.nspname") +
                                     is_of_no_extension(home, "pg_namespace", "n.oid") + " ORDER BY n.oid")) {
    if (is_tickstone(home) && text(row, 0) == "tickstone") continue;
    ObjectFacts schema;
    schema.kind = ObjectKind::Schema;
    schema.full_name = quote_name(text(row, 0));
    schema.short_name = text(row, 0);
    schema.owner = text(row, 1);
    schema.has_access = row[2].has_value();
    schema.access = access_items(text(row, 2), schema.owner);
    objects.push_back(std::move(schema));
  }
}

/// `security_barrier=true` as WITH takes it; Tickstone's own are said by other means.
std::string view_options(const std::string& array) {
  std::string options;
  for (const auto& item : array_items(array)) {
    if (!item.starts_with("security_") && !item.starts_with("check_option")) continue;
    options += (options.empty() ? "" : ", ") + item;
  }
  return options;
}

std::string sequence_definition(const Row& row, const std::string& full_name) {
  return "CREATE SEQUENCE " + full_name + " AS " + text(row, 2) + " INCREMENT BY " + text(row, 3) +
         " MINVALUE " + text(row, 4) + " MAXVALUE " + text(row, 5) + " START WITH " + text(row, 6) +
         " CACHE " + text(row, 7) + (text(row, 8) == "t" ? " CYCLE" : "");
}

void read_relations(Connection& connection, Home home, std::vector<ObjectFacts>& objects) {
  std::map<std::string, AggregateFacts> aggregates;
  for (auto& aggregate : read_aggregates(connection, home))
    aggregates[aggregate.full_name] = std::move(aggregate);
  std::map<std::string, std::string> sequences;
  for (const auto& row :
       rows_of(connection,
               "SELECT schemaname, sequencename, data_type, increment_by, min_value, max_value, start_value, "
               "cache_size, cycle FROM pg_sequences"))
    sequences[quoted(text(row, 0), text(row, 1))] =
        sequence_definition(row, quoted(text(row, 0), text(row, 1)));
  for (const auto& row :
       rows_of(connection,
               "SELECT n.nspname, c.relname, c.relkind, pg_get_userbyid(c.relowner), c.relacl::text, "
               "c.reloptions::text, CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END "
               "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN "
               "('r', 'p', 'v', 'm', 'S') AND NOT c.relispartition AND c.relpersistence = 'p' AND " +
                   is_users_schema("n.nspname") + is_of_no_extension(home, "pg_class", "c.oid") +
                   " ORDER BY c.oid")) {
    ObjectFacts object;
    object.full_name = quoted(text(row, 0), text(row, 1));
    object.short_name = short_name_of(text(row, 0), text(row, 1));
    if (text(row, 1) == "tickstone_copies" || text(row, 1) == "tickstone_schema_version") continue;
    object.owner = text(row, 3);
    object.has_access = row[4].has_value();
    object.access = access_items(text(row, 4), object.owner);
    object.definition = text(row, 6);
    while (!object.definition.empty() &&
           (object.definition.back() == ';' || object.definition.back() == '\n'))
      object.definition.pop_back();
    const std::string kind = text(row, 2);
    if (const auto found = aggregates.find(object.full_name); found != aggregates.end()) {
      object.kind = ObjectKind::Aggregate;
      object.definition = found->second.definition;
      object.is_materialized_only = found->second.is_materialized_only;
      if (text(row, 5).find("tickstone.eager=true") != std::string::npos)
        object.options = "tickstone.eager = true";
    } else if (kind == "v") {
      if (object.definition.empty()) continue;  // one that Tickstone has without being made
      object.kind = ObjectKind::View;
      object.options = view_options(text(row, 5));
    } else if (kind == "m") {
      object.kind = ObjectKind::MaterializedView;
    } else if (kind == "S") {
      object.kind = ObjectKind::Sequence;
      object.definition = sequences[object.full_name];
    } else {
      object.kind = ObjectKind::Table;
      object.definition.clear();
    }
    objects.push_back(std::move(object));
  }
}

/// Functions of the layer that stands for TimescaleDB's on PostgreSQL: those that users call are in public.
bool is_of_layer(Home home, const std::string& name, const std::string& source) {
  if (home != Home::PostgreSql) return false;
  return source.find("_tickstone.") != std::string::npos || name == "time_bucket" ||
         name == "time_bucket_gapfill" || name == "by_range" || name == "by_hash";
}

/// As all homes say them: PostgreSQL has `IN a integer` of procedures.
std::string plain_arguments(std::string arguments) {
  constexpr std::string_view kIn = "IN ";
  if (arguments.starts_with(kIn)) arguments.erase(0, kIn.size());
  for (auto at = arguments.find(", IN "); at != std::string::npos; at = arguments.find(", IN ", at))
    arguments.erase(at + 2, kIn.size());
  return "(" + arguments + ")";
}

void read_functions(Connection& connection, Home home, std::vector<ObjectFacts>& objects) {
  for (const auto& row :
       rows_of(connection,
               "SELECT n.nspname, p.proname, p.prokind, pg_get_function_identity_arguments(p.oid), "
               "CASE WHEN p.prokind IN ('f', 'p') THEN pg_get_functiondef(p.oid) END, l.lanname, "
               "pg_get_userbyid(p.proowner), p.proacl::text, p.prosrc FROM pg_proc p JOIN pg_namespace n ON "
               "n.oid = "
               "p.pronamespace JOIN pg_language l ON l.oid = p.prolang WHERE p.prokind IN ('f', 'p') AND "
               "l.lanname NOT IN ('internal', 'c') AND " +
                   is_users_schema("n.nspname") + is_of_no_extension(home, "pg_proc", "p.oid") +
                   " ORDER BY p.oid")) {
    if (is_of_layer(home, text(row, 1), text(row, 8))) continue;
    ObjectFacts function;
    function.kind = text(row, 2) == "p" ? ObjectKind::Procedure : ObjectKind::Function;
    const std::string arguments = plain_arguments(text(row, 3));
    function.full_name = quoted(text(row, 0), text(row, 1)) + arguments;
    function.short_name = short_name_of(text(row, 0), text(row, 1)) + arguments;
    function.definition = text(row, 4);
    function.language = text(row, 5);
    function.owner = text(row, 6);
    function.has_access = row[7].has_value();
    function.access = access_items(text(row, 7), function.owner);
    objects.push_back(std::move(function));
  }
}

ObjectFacts* find_object(std::vector<ObjectFacts>& objects, const std::string& full_name) {
  const auto found = std::find_if(objects.begin(), objects.end(),
                                  [&](const ObjectFacts& one) { return one.full_name == full_name; });
  return found == objects.end() ? nullptr : &*found;
}

void read_comments(Connection& connection, std::vector<ObjectFacts>& objects) {
  const auto add = [&](const std::string& name, const std::string& column, const std::string& comment) {
    if (auto* object = find_object(objects, name); object != nullptr) object->comments[column] = comment;
  };
  for (const auto& row :
       rows_of(connection,
               "SELECT n.nspname, c.relname, a.attname, d.description FROM pg_description d "
               "JOIN pg_class c ON c.oid = d.objoid JOIN pg_namespace n ON n.oid = "
               "c.relnamespace LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = "
               "d.objsubid AND d.objsubid > 0 WHERE d.classoid = 'pg_class'::regclass AND " +
                   is_users_schema("n.nspname")))
    add(quoted(text(row, 0), text(row, 1)), text(row, 2), text(row, 3));
  for (const auto& row :
       rows_of(connection,
               "SELECT n.nspname, p.proname, pg_get_function_identity_arguments(p.oid), d.description FROM "
               "pg_description d JOIN pg_proc p ON p.oid = d.objoid JOIN pg_namespace n ON n.oid = "
               "p.pronamespace WHERE d.classoid = 'pg_proc'::regclass AND " +
                   is_users_schema("n.nspname")))
    add(quoted(text(row, 0), text(row, 1)) + plain_arguments(text(row, 2)), "", text(row, 3));
  for (const auto& row :
       rows_of(connection,
               "SELECT n.nspname, d.description FROM pg_description d JOIN pg_namespace n ON "
               "n.oid = d.objoid WHERE d.classoid = 'pg_namespace'::regclass AND " +
                   is_users_schema("n.nspname")))
    add(quote_name(text(row, 0)), "", text(row, 1));
}

void read_column_access(Connection& connection, std::vector<ObjectFacts>& objects) {
  for (const auto& row : rows_of(connection,
                                 "SELECT n.nspname, c.relname, a.attname, a.attacl::text FROM pg_attribute a "
                                 "JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = "
                                 "c.relnamespace WHERE a.attacl IS NOT NULL AND " +
                                     is_users_schema("n.nspname"))) {
    auto* object = find_object(objects, quoted(text(row, 0), text(row, 1)));
    if (object == nullptr) continue;
    auto items = access_items(text(row, 3), object->owner);
    if (!items.empty()) object->column_access[text(row, 2)] = std::move(items);
  }
}

void read_indexes(Connection& connection, std::vector<ObjectFacts>& objects) {
  for (const auto& row : rows_of(
           connection,
           "SELECT n.nspname, c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON "
           "c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'm' ORDER BY "
           "i.indexrelid")) {
    auto* object = find_object(objects, quoted(text(row, 0), text(row, 1)));
    if (object != nullptr && object->kind == ObjectKind::MaterializedView)
      object->indexes.push_back(text(row, 2));
  }
}

struct PrivilegeLetter {
  char letter;
  const char* name;
};
constexpr PrivilegeLetter kLetters[] = {{'r', "SELECT"},  {'a', "INSERT"},   {'w', "UPDATE"},
                                        {'d', "DELETE"},  {'D', "TRUNCATE"}, {'x', "REFERENCES"},
                                        {'t', "TRIGGER"}, {'X', "EXECUTE"},  {'U', "USAGE"},
                                        {'C', "CREATE"},  {'m', "MAINTAIN"}};

}  // namespace

std::string_view to_string(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::Schema:
      return "schema";
    case ObjectKind::Table:
      return "table";
    case ObjectKind::Sequence:
      return "sequence";
    case ObjectKind::Function:
      return "function";
    case ObjectKind::Procedure:
      return "procedure";
    case ObjectKind::View:
      return "view";
    case ObjectKind::MaterializedView:
      return "materialized view";
    case ObjectKind::Aggregate:
      return "continuous aggregate";
  }
  return "";
}

std::string_view sql_word(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::Schema:
      return "SCHEMA";
    case ObjectKind::Table:
      return "TABLE";
    case ObjectKind::Sequence:
      return "SEQUENCE";
    case ObjectKind::Function:
      return "FUNCTION";
    case ObjectKind::Procedure:
      return "PROCEDURE";
    case ObjectKind::View:
      return "VIEW";
    case ObjectKind::MaterializedView:
    case ObjectKind::Aggregate:
      return "MATERIALIZED VIEW";
  }
  return "";
}

std::string short_name_of(const std::string& schema, const std::string& name) {
  return schema == "public" ? name : schema + "." + name;
}

std::string is_users_schema(const std::string& column) {
  return "left(" + column + ", 3) <> 'pg_' AND left(" + column + ", 12) <> '_timescaledb' AND " + column +
         " NOT IN ('information_schema', '_tickstone', 'timescaledb_information', "
         "'timescaledb_experimental')";
}

std::vector<std::string> array_items(const std::string& text) {
  std::vector<std::string> items;
  if (text.size() < 2) return items;
  std::string item;
  bool is_quoted = false;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && i + 2 < text.size()) {
      item += text[++i];
    } else if (c == '"') {
      is_quoted = !is_quoted;
    } else if (c == ',' && !is_quoted) {
      items.push_back(std::move(item));
      item.clear();
    } else {
      item += c;
    }
  }
  if (text.size() > 2) items.push_back(std::move(item));
  return items;
}

std::vector<AccessItem> access_items(const std::string& text, const std::string& owner) {
  std::vector<AccessItem> all;
  for (const auto& item : array_items(text)) {
    // grantee=letters/grantor, where names may be quoted.
    std::string grantee;
    std::size_t at = 0;
    bool is_quoted = false;
    for (; at < item.size() && (is_quoted || item[at] != '='); ++at) {
      if (item[at] != '"') {
        grantee += item[at];
      } else if (is_quoted && at + 1 < item.size() && item[at + 1] == '"') {
        grantee += item[at++];
      } else {
        is_quoted = !is_quoted;
      }
    }
    if (grantee == owner) continue;
    for (++at; at < item.size() && item[at] != '/'; ++at) {
      const auto* known = std::find_if(std::begin(kLetters), std::end(kLetters),
                                       [&](const auto& one) { return one.letter == item[at]; });
      if (known == std::end(kLetters)) continue;
      all.push_back({grantee, known->name, at + 1 < item.size() && item[at + 1] == '*'});
    }
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

std::vector<ObjectFacts> read_objects(Connection& connection, Home home) {
  std::vector<ObjectFacts> objects;
  read_schemas(connection, home, objects);
  read_functions(connection, home, objects);
  read_relations(connection, home, objects);
  read_indexes(connection, objects);
  read_comments(connection, objects);
  read_column_access(connection, objects);
  return objects;
}

std::vector<ForeignObject> read_foreign_objects(Connection& connection, Home home) {
  std::vector<ForeignObject> objects;
  if (is_tickstone(home)) return objects;
  const std::string users = is_users_schema("n.nspname");
  const std::string relation = "CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || c.relname";
  const std::string type = "CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || t.typname";
  const std::string of_relations = " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE " + users;
  // What, and what to do about it.
  for (
      const auto& row : rows_of(
          connection,
          "SELECT 'trigger ' || t.tgname || ' on ' || " + relation +
              ", 'When copying is over, run at the target: ' || pg_get_triggerdef(t.oid) FROM pg_trigger t "
              "JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace pn "
              "ON "
              "pn.oid = p.pronamespace" +
              of_relations +
              " AND NOT t.tgisinternal AND t.tgparentid = 0 AND left(pn.nspname, 12) NOT IN ('_tickstone', "
              "'_timescaledb') UNION ALL SELECT 'rule ' || r.rulename || ' on ' || " +
              relation +
              ", 'When copying is over, run at the target: ' || pg_get_ruledef(r.oid) FROM pg_rewrite r JOIN "
              "pg_class c ON c.oid = r.ev_class" +
              of_relations +
              " AND r.rulename <> '_RETURN' UNION ALL SELECT 'row security policy ' || "
              "p.polname || ' on ' || " +
              relation +
              ", 'Give rights by views at the target, or make it there by hand.' FROM pg_policy p "
              "JOIN pg_class c ON c.oid = p.polrelid" +
              of_relations + " UNION ALL SELECT 'exclusion constraint ' || k.conname || ' of ' || " +
              relation +
              ", 'PostgreSQL alone has them: ALTER TABLE ... ADD CONSTRAINT ' || quote_ident(k.conname) || ' "
              "' "
              "|| pg_get_constraintdef(k.oid) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid" +
              of_relations + " AND k.contype = 'x' UNION ALL SELECT 'foreign table ' || " + relation +
              ", 'Its rows are elsewhere: import them, or make it at the target by hand.' FROM pg_class c" +
              of_relations + " AND c.relkind = 'f' UNION ALL SELECT 'type ' || " + type +
              ", 'Make it at the target before the tables that use it.' FROM pg_type t JOIN pg_namespace n "
              "ON "
              "n.oid = t.typnamespace WHERE " +
              users + is_of_no_extension(home, "pg_type", "t.oid") +
              " AND (t.typtype IN ('e', 'd', 'r') OR (t.typtype = 'c' AND EXISTS (SELECT 1 FROM pg_class c "
              "WHERE c.oid = t.typrelid AND c.relkind = 'c'))) UNION ALL SELECT 'aggregate function ' || "
              "p.oid::regprocedure, 'Make it at the target by CREATE AGGREGATE, if it is a PostgreSQL.' FROM "
              "pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE " +
              users + is_of_no_extension(home, "pg_proc", "p.oid") +
              " AND p.prokind = 'a' AND NOT EXISTS (SELECT 1 FROM pg_aggregate a JOIN pg_proc f ON f.oid = "
              "a.aggtransfn JOIN pg_namespace fn ON fn.oid = f.pronamespace WHERE a.aggfnoid = p.oid AND "
              "fn.nspname = '_tickstone') UNION ALL SELECT 'extension ' || e.extname, 'CREATE EXTENSION at "
              "the "
              "target, if it is a PostgreSQL.' FROM pg_extension e WHERE e.extname NOT IN ('plpgsql', "
              "'timescaledb', 'pg_stat_statements') UNION ALL SELECT 'default privileges of ' || "
              "pg_get_userbyid(d.defaclrole), 'ALTER DEFAULT PRIVILEGES at the target.' FROM pg_default_acl "
              "d "
              "ORDER BY 1"))
    objects.push_back({text(row, 0), text(row, 1)});
  return objects;
}

std::vector<RoleFacts> read_roles(Connection& connection, Home home) {
  std::vector<RoleFacts> roles;
  // Only superusers of PostgreSQL may read verifiers.
  const bool may_read =
      !is_tickstone(home) &&
      !rows_of(connection, "SELECT 1 WHERE has_table_privilege('pg_authid', 'SELECT')").empty();
  for (const auto& row :
       rows_of(connection, std::string("SELECT r.rolname, r.rolcanlogin, r.rolcreaterole, r.rolcreatedb, "
                                       "r.rolsuper, r.rolconnlimit, ") +
                               (may_read ? "r.rolpassword FROM pg_authid r" : "NULL FROM pg_roles r") +
                               " WHERE left(r.rolname, 3) <> 'pg_' ORDER BY r.rolname")) {
    RoleFacts role;
    role.name = text(row, 0);
    role.may_login = text(row, 1) == "t";
    role.may_create_roles = text(row, 2) == "t";
    role.may_create_databases = text(row, 3) == "t";
    role.is_superuser = text(row, 4) == "t";
    role.connection_limit = text(row, 5);
    if (text(row, 6).starts_with("SCRAM-SHA-256$")) role.verifier = text(row, 6);
    roles.push_back(std::move(role));
  }
  for (const auto& row :
       rows_of(connection,
               "SELECT m.rolname, g.rolname FROM pg_auth_members a JOIN pg_roles m ON m.oid = "
               "a.member JOIN pg_roles g ON g.oid = a.roleid ORDER BY 1, 2")) {
    for (auto& role : roles) {
      if (role.name == text(row, 0)) role.member_of.push_back(text(row, 1));
    }
  }
  return roles;
}

}  // namespace tickstone::market
