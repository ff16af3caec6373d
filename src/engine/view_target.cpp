// SPDX-License-Identifier: Apache-2.0
#include "engine/view_target.hpp"

#include <algorithm>

#include <tickstone/error.hpp>

#include "sql/view_shape.hpp"

namespace tickstone::engine {
namespace {

constexpr const char* kNoTable =
    "Views that do not select from a single table or view are not automatically updatable.";

[[noreturn]] void refuse(const catalog::RelationObject& view, const std::string& verb,
                         const std::string& problem) {
  const bool is_insert = verb == "insert into", is_update = verb == "update";
  const char* event = is_insert ? "INSERT" : is_update ? "UPDATE" : "DELETE";
  const std::string doing = is_insert   ? "enable inserting into"
                            : is_update ? "enable updating"
                                        : "enable deleting from";
  throw Error(ErrorCode::ObjectNotInPrerequisiteState, "cannot " + verb + " view \"" + view.name + "\"",
              problem,
              "To " + doing + " the view, provide an INSTEAD OF " + event +
                  " trigger or an unconditional ON " + event + " DO INSTEAD rule.");
}

[[noreturn]] void refuse_shape(const catalog::RelationObject& view, const std::string& what) {
  throw Error(ErrorCode::FeatureNotSupported, "writing through view \"" + view.name + "\" is not supported",
              "It has " + what + ".", "Write to the table that the view reads.");
}

const catalog::RelationObject* source_of(const SessionContext& context, const sql::ViewShape& shape) {
  const auto* source = context.find_user_relation(shape.source.schema, shape.source.name);
  const bool is_it = source != nullptr && (source->kind == catalog::RelationKind::Table ||
                                           source->kind == catalog::RelationKind::View);
  return is_it ? source : nullptr;
}

std::string check_option_of(const catalog::RelationObject& view) {
  for (const auto& [name, value] : view.options) {
    if (name == "check_option") return value;
  }
  return {};
}

struct Level {
  catalog::RelationObject view;
  sql::ViewShape shape;
  bool is_checked = false;
};

/// From the view down to its table.
std::vector<Level> levels_of(SessionContext& context, const catalog::RelationObject& view,
                             const std::string& verb, catalog::RelationObject& table) {
  std::vector<Level> levels;
  const auto* at = &view;
  bool is_cascaded = false;
  while (at->kind == catalog::RelationKind::View) {
    Level level{*at, sql::view_shape_of(sql::parse_query(at->view_text)), false};
    if (!level.shape.problem.empty()) refuse(*at, verb, level.shape.problem);
    const auto* source = source_of(context, level.shape);
    if (source == nullptr) refuse(*at, verb, kNoTable);
    if (!level.shape.unsupported.empty()) refuse_shape(*at, level.shape.unsupported);
    const std::string option = check_option_of(*at);
    level.is_checked = is_cascaded || !option.empty();
    is_cascaded = is_cascaded || option == "cascaded";
    levels.push_back(std::move(level));
    at = source;
  }
  table = *at;
  return levels;
}

/// Which columns of the table the view shows, in its order.
std::vector<std::size_t> shown_columns(const Level& level, const sql::RelationInfo& below) {
  std::vector<std::size_t> listed;
  if (below.shown) {
    listed = *below.shown;
  } else {
    for (std::size_t i = 0; i < below.columns.size(); ++i) listed.push_back(i);
  }
  std::vector<std::size_t> shown;
  for (const auto& output : level.shape.outputs) {
    if (output.is_star) {
      shown.insert(shown.end(), listed.begin(), listed.end());
      continue;
    }
    const auto found = std::find_if(listed.begin(), listed.end(), [&](const auto index) {
      return below.columns[index].name == output.column;
    });
    if (found == listed.end()) refuse_shape(level.view, "a column that its table has not");
    shown.push_back(*found);
  }
  if (shown.size() < level.view.columns.size()) refuse_shape(level.view, "other columns than its table");
  shown.resize(level.view.columns.size());
  for (std::size_t i = 0; i < shown.size(); ++i) {
    if (std::find(shown.begin() + static_cast<std::ptrdiff_t>(i) + 1, shown.end(), shown[i]) != shown.end())
      refuse_shape(level.view, "a column of its table twice");
  }
  return shown;
}

}  // namespace

std::string view_problem(const SessionContext& context, const sql::Expr& query) {
  sql::ViewShape shape = sql::view_shape_of(query);
  while (shape.problem.empty()) {
    const auto* source = source_of(context, shape);
    if (source == nullptr) return kNoTable;
    if (!shape.unsupported.empty()) return "It has " + shape.unsupported + ".";
    if (source->kind == catalog::RelationKind::Table) return {};
    shape = sql::view_shape_of(sql::parse_query(source->view_text));
  }
  return shape.problem;
}

std::shared_ptr<const WriteTarget> view_target(SessionContext& context, const catalog::RelationObject& view,
                                               const std::string& verb) {
  catalog::RelationObject table;
  const auto levels = levels_of(context, view, verb, table);
  WriteTarget::ViewParts parts;
  std::string role = context.user();
  for (const auto& level : levels) {
    parts.rights.emplace_back(level.view, role);
    role = level.view.owner;
    parts.has_conditions = parts.has_conditions || level.shape.where;
  }
  parts.rights.emplace_back(table, role);

  const auto* schema = context.view().schema(table.table());
  const bool has_row_id = schema != nullptr && schema->primary_key.empty();
  sql::RelationInfo info = context.relation_info(table);
  info.has_chunks = false;
  for (auto level = levels.rbegin(); level != levels.rend(); ++level) {
    const auto shown = shown_columns(*level, info);
    if (level->is_checked && level->shape.where) {
      auto known = info;
      known.part.reset();
      known.name = level->shape.alias;
      known.schema = level->shape.source.schema;
      parts.checks.push_back({level->view.name, level->view.owner, level->shape.where, std::move(known)});
    }
    // What the view does not show has names that nobody writes.
    std::vector<std::string> names;
    for (const auto& column : table.columns) names.push_back("\x01" + column.name);
    for (std::size_t i = 0; i < shown.size(); ++i) names[shown[i]] = level->view.columns[i].name;
    const SessionContext::AsOwner as_owner(context, level->view.owner);
    std::string rows =
        sql::Rewriter(context).view_rows(level->shape.where, info, level->shape.alias, names, has_row_id);
    info.schema = context.catalog()->find_schema(level->view.schema)->name;
    info.name = level->view.name;
    info.oid = 0;
    for (std::size_t i = 0; i < names.size(); ++i) info.columns[i].name = names[i];
    info.primary_key.clear();
    info.shown = shown;
    info.part = {context.scan_name(table), "true", has_row_id, std::move(rows)};
  }
  parts.info = std::move(info);
  return std::make_shared<const WriteTarget>(context, table, std::move(parts));
}

}  // namespace tickstone::engine
