// SPDX-License-Identifier: Apache-2.0
#include "engine/foreign_keys.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <unordered_map>

#include <tickstone/error.hpp>

#include "engine/constraints.hpp"
#include "engine/row_changes.hpp"
#include "engine/row_defaults.hpp"

namespace tickstone::engine {
namespace {

using Reference = WriteTarget::Reference;

/// More values than this are not given to the scan one by one.
constexpr std::size_t kMostScanValues = 256;

Reference make_reference(const catalog::RelationObject& child, const catalog::RelationObject& parent,
                         const catalog::ConstraintObject& constraint) {
  Reference reference;
  reference.constraint = constraint.oid;
  reference.name = constraint.name;
  reference.child = child.oid;
  reference.parent = parent.oid;
  reference.child_name = child.name;
  reference.parent_name = parent.name;
  reference.on_delete = constraint.on_delete;
  reference.on_update = constraint.on_update;
  reference.matches_full = constraint.matches_full;
  reference.is_deferrable = constraint.is_deferrable;
  reference.is_deferred = constraint.is_deferred;
  const auto index = std::find_if(parent.indexes.begin(), parent.indexes.end(),
                                  [&](const auto& candidate) { return candidate.oid == constraint.index; });
  if (index == parent.indexes.end()) {
    throw Error(ErrorCode::InternalError,
                "the key that constraint \"" + constraint.name + "\" refers to is gone");
  }
  reference.key_table = index->key_table != 0 ? index->key_table : parent.table();
  for (const auto& key : index->keys) {
    const auto at =
        std::find(constraint.referenced_columns.begin(), constraint.referenced_columns.end(), key.column);
    reference.parent_columns.push_back(key.column);
    reference.child_columns.push_back(
        constraint.columns[static_cast<std::size_t>(at - constraint.referenced_columns.begin())]);
  }
  for (const auto column : constraint.referenced_columns) {
    const auto at = std::find(reference.parent_columns.begin(), reference.parent_columns.end(), column);
    reference.declared_order.push_back(static_cast<std::size_t>(at - reference.parent_columns.begin()));
  }
  return reference;
}

const catalog::RelationObject& relation_of(SessionContext& context, catalog::Oid oid) {
  const auto* relation = context.catalog()->find_relation(oid);
  if (relation == nullptr) throw Error(ErrorCode::InternalError, "a table of a foreign key is gone");
  return *relation;
}

std::shared_ptr<const WriteTarget> target_of(SessionContext& context, catalog::Oid oid) {
  const auto& relation = relation_of(context, oid);
  const auto schema = context.catalog()->find_schema(relation.schema)->name;
  return find_write_target(context, {schema, relation.name, 0}, "change");
}

/// `values` as the type of another key column. Rows that it cannot hold are left out of `listed`.
Column as_type(const Column& values, const SqlType& type, const FormatContext& format,
               std::vector<std::uint32_t>& listed) {
  if (values.type().id == type.id || !is_integer(type.id)) {
    Column column = values;
    column.set_type(type);
    return column;
  }
  const std::int64_t least = type.id == TypeId::SmallInt  ? INT16_MIN
                             : type.id == TypeId::Integer ? INT32_MIN
                                                          : INT64_MIN;
  const std::int64_t most = -(least + 1);
  const auto view = values.view();
  Column column(type);
  for (std::uint32_t row = 0; row < view.size; ++row) {
    const auto value = static_cast<std::int64_t>(view.integer(row));
    if (value < least || value > most) {
      std::erase(listed, row);
      column.append_null();
      continue;
    }
    append_value(column, Value{type, false, 0, value});
  }
  (void)format;
  return column;
}

/// Keys of one table's columns as those of the other's; `listed` are the rows that can be.
Batch as_columns(SessionContext& context, const Batch& keys, const catalog::RelationObject& relation,
                 const std::vector<storage::ColumnId>& columns, std::vector<std::uint32_t>& listed) {
  listed.resize(keys.row_count());
  for (std::uint32_t row = 0; row < listed.size(); ++row) listed[row] = row;
  Batch out;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    out.columns.push_back(as_type(keys.columns[i], relation.find_column(columns[i])->type,
                                  context.settings().format_context(), listed));
  }
  return out;
}

std::string key_text(SessionContext& context, const Reference& reference,
                     const catalog::RelationObject& relation, const std::vector<storage::ColumnId>& columns,
                     const Batch& keys, std::size_t row) {
  std::string names, values;
  for (const auto i : reference.declared_order) {
    if (!names.empty()) names += ", ", values += ", ";
    names += relation.find_column(columns[i])->name;
    append_text(values, keys.columns[i].view(), row, context.settings().format_context());
  }
  return "Key (" + names + ")=(" + values + ")";
}

[[noreturn]] void throw_missing(SessionContext& context, const Reference& reference, const Batch& keys,
                                std::size_t row) {
  const auto& child = relation_of(context, reference.child);
  throw Error(ErrorCode::ForeignKeyViolation,
              "insert or update on table \"" + child.name + "\" violates foreign key constraint \"" +
                  reference.name + "\"",
              key_text(context, reference, child, reference.child_columns, keys, row) +
                  " is not present in table \"" + reference.parent_name + "\".")
      .about(child.name, {}, reference.name, context.catalog()->find_schema(child.schema)->name);
}

/// MATCH FULL: of a key that is null in part. `views`: the columns of the key.
void require_full_key(SessionContext& context, const Reference& reference, std::span<const ColumnView> views,
                      std::size_t row) {
  if (!reference.matches_full) return;
  const bool is_mixed =
      std::any_of(views.begin(), views.end(), [&](const auto& view) { return !view.is_null(row); });
  if (!is_mixed) return;
  const auto& child = relation_of(context, reference.child);
  throw Error(ErrorCode::ForeignKeyViolation,
              "insert or update on table \"" + child.name + "\" violates foreign key constraint \"" +
                  reference.name + "\"",
              "MATCH FULL does not allow mixing of null and nonnull key values.")
      .about(child.name, {}, reference.name, context.catalog()->find_schema(child.schema)->name);
}

[[noreturn]] void throw_referenced(SessionContext& context, const Reference& reference, const Batch& keys,
                                   std::size_t row) {
  const auto& parent = relation_of(context, reference.parent);
  const auto& child = relation_of(context, reference.child);
  throw Error(ErrorCode::ForeignKeyViolation,
              "update or delete on table \"" + parent.name + "\" violates foreign key constraint \"" +
                  reference.name + "\" on table \"" + child.name + "\"",
              key_text(context, reference, parent, reference.parent_columns, keys, row) +
                  " is still referenced from table \"" + child.name + "\".")
      .about(child.name, {}, reference.name, context.catalog()->find_schema(child.schema)->name);
}

/// Rows of `keys` (as the child has them) whose parent is not there. Locks the parents that are.
std::vector<std::uint32_t> rows_without_parent(SessionContext& context, storage::Transaction& writes,
                                               const Reference& reference, const Batch& keys) {
  std::vector<std::uint32_t> listed;
  const auto& parent = relation_of(context, reference.parent);
  const Batch all = as_columns(context, keys, parent, reference.parent_columns, listed);
  std::vector<bool> is_there(keys.row_count());
  while (!listed.empty()) {
    const Batch asked = pick_rows(all, listed);
    // What is committed by now and what this transaction did, whatever the statement's view.
    const auto view = writes.read_view();
    const auto found = view->lookup(reference.key_table, asked).found;
    std::vector<std::uint32_t> present;
    for (std::size_t i = 0; i < listed.size(); ++i) {
      if (found[i] >= 0) present.push_back(listed[i]);
    }
    // One that is not there yet is missing, whoever is about to commit it. One that is may be going: asked
    // again after the wait.
    listed = std::move(present);
    if (!listed.empty() &&
        writes.lock(reference.key_table, pick_rows(all, listed), view->seq(), storage::LockMode::KeyShare))
      continue;
    for (const auto row : listed) is_there[row] = true;
    break;
  }
  std::vector<std::uint32_t> missing;
  for (std::uint32_t row = 0; row < is_there.size(); ++row) {
    if (!is_there[row]) missing.push_back(row);
  }
  return missing;
}

/// Rows of `keys` (as the parent has them) that no parent has.
std::vector<std::uint32_t> rows_gone(storage::Transaction& writes, const Reference& reference,
                                     const Batch& keys) {
  const auto found = writes.read_view()->lookup(reference.key_table, keys).found;
  std::vector<std::uint32_t> gone;
  for (std::uint32_t row = 0; row < found.size(); ++row) {
    if (found[row] < 0) gone.push_back(row);
  }
  return gone;
}

/// Rows of the child that refer to one of some keys.
struct Children {
  Batch rows;                         // all columns, in the target's order
  Batch old;                          // as `WriteTarget::old_columns`
  std::vector<std::uint32_t> key_of;  // of each: the row of the keys
};

enum class HowMany : std::uint8_t { All, One };

/// `keys` as the parent has them. Reads what is committed by now and what this transaction did.
Children find_children(SessionContext& context, storage::Transaction& writes, const WriteTarget& child,
                       const Reference& reference, const Batch& keys, HowMany how_many) {
  Children children;
  std::vector<std::uint32_t> listed;
  const Batch wanted = as_columns(context, keys, child.relation(), reference.child_columns, listed);
  std::unordered_map<std::string, std::uint32_t> by_bytes;
  {
    std::vector<ColumnView> views;
    for (const auto& column : wanted.columns) views.push_back(column.view());
    for (const auto row : listed) {
      std::string bytes;
      append_key_bytes(bytes, views, row);
      by_bytes.emplace(std::move(bytes), row);
    }
  }
  if (by_bytes.empty()) return children;
  storage::ScanRequest request;
  request.table = child.table();
  for (const auto& column : child.relation().columns) request.columns.push_back(column.id);
  if (child.has_row_id()) request.columns.push_back(storage::kRowIdColumn);
  if (by_bytes.size() <= kMostScanValues) {
    for (std::size_t i = 0; i < wanted.columns.size(); ++i) {
      storage::ColumnPredicate predicate;
      predicate.column = reference.child_columns[i];
      for (const auto& [bytes, row] : by_bytes)
        predicate.in.push_back(value_at(wanted.columns[i].view(), row));
      request.predicates.push_back(std::move(predicate));
    }
  }
  const auto view = writes.read_view();
  const auto scan = view->scan(request);
  const auto state = scan->make_state();
  const auto columns = child.column_indexes(reference.child_columns);
  Batch found;
  for (std::size_t i = 0; i < request.columns.size(); ++i) {
    const SqlType type = i < child.column_count() ? child.column(i).type : SqlType::of(TypeId::BigInt);
    found.columns.emplace_back(type, scan->layouts()[i]);
  }
  storage::ScanBatch part;
  std::string bytes;
  while (scan->read(*state, part)) {
    context.check_cancelled();
    std::vector<ColumnView> cells;
    for (const auto column : columns) {
      cells.push_back(part.columns[column]);
      cells.back().type = child.column(column).type;
    }
    std::vector<std::uint32_t> matching;
    for (std::uint32_t row = 0; row < part.row_count; ++row) {
      if (has_null(cells, row)) continue;
      bytes.clear();
      append_key_bytes(bytes, cells, row);
      const auto match = by_bytes.find(bytes);
      if (match == by_bytes.end()) continue;
      matching.push_back(row);
      children.key_of.push_back(match->second);
      if (how_many == HowMany::One) break;
    }
    for (std::size_t i = 0; i < found.columns.size(); ++i)
      found.columns[i].append_rows(part.columns[i], matching.data(), matching.size());
    if (how_many == HowMany::One && !matching.empty()) break;
  }
  Column row_ids;
  if (child.has_row_id()) {
    row_ids = std::move(found.columns.back());
    found.columns.pop_back();
  }
  children.rows = std::move(found);
  children.old = old_rows(child, children.rows, child.has_row_id() ? &row_ids : nullptr);
  return children;
}

void require_no_children(SessionContext& context, storage::Transaction& writes, const Reference& reference,
                         const Batch& keys) {
  if (keys.row_count() == 0) return;
  const auto child = target_of(context, reference.child);
  for (;;) {
    const auto seen = writes.read_view()->seq();
    const auto children = find_children(context, writes, *child, reference, keys, HowMany::One);
    if (children.key_of.empty()) return;
    // It may be going: whoever removes it has it locked.
    if (!writes.lock(child->table(), storage_key(*child, children.old), seen, storage::LockMode::KeyShare))
      throw_referenced(context, reference, keys, children.key_of.front());
  }
}

/// CASCADE, SET NULL and SET DEFAULT. `new_keys`: of an update, row by row of `keys`.
void change_children(SessionContext& context, storage::Transaction& writes, const Reference& reference,
                     const Batch& keys, const Batch* new_keys, char action) {
  if (keys.row_count() == 0) return;
  const auto child = target_of(context, reference.child);
  const bool is_deletion = action == 'c' && new_keys == nullptr;
  Children children;
  do {
    children = find_children(context, writes, *child, reference, keys, HowMany::All);
    if (children.key_of.empty()) return;
  } while (lock_rows(context, writes, child->table(), storage_key(*child, children.old),
                     storage::LockMode::Update));
  ReferenceWatch watch(context, writes, *child);
  if (is_deletion) {
    erase_rows(context, writes, *child, children.old);
    watch.deleted(children.old);
    watch.finish();
    return;
  }
  const auto columns = child->column_indexes(reference.child_columns);
  RowDefaults defaults(context, *child);
  Batch rows = children.rows;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const SqlType& type = child->column(columns[i]).type;
    Column values(type);
    if (action == 'c') {
      std::vector<std::uint32_t> listed(new_keys->row_count());
      for (std::uint32_t row = 0; row < listed.size(); ++row) listed[row] = row;
      const Column converted =
          as_type(new_keys->columns[i], type, context.settings().format_context(), listed);
      if (listed.size() < new_keys->row_count()) {
        throw Error(ErrorCode::NumericValueOutOfRange, to_sql(type) + " out of range");
      }
      values = Column(type, converted.layout());
      values.append_rows(converted.view(), children.key_of.data(), children.key_of.size());
    } else if (action == 'd') {
      defaults.append(columns[i], values, children.key_of.size());
    } else {
      for (std::size_t row = 0; row < children.key_of.size(); ++row) values.append_null();
    }
    rows.columns[columns[i]] = std::move(values);
  }
  fill_generated(context, *child, rows);
  check_rows(context, *child, rows);
  update_rows(context, writes, *child, children.old, rows);
  watch.updated(children.old, rows);
  watch.finish();
}

}  // namespace

void find_references(const catalog::Catalog& catalog, const catalog::RelationObject& relation,
                     std::vector<Reference>& references, std::vector<Reference>& referenced_by) {
  using Kind = catalog::ConstraintObject::Kind;
  for (const auto& constraint : relation.constraints) {
    if (constraint.kind != Kind::ForeignKey) continue;
    const auto* parent = constraint.referenced_table == relation.oid
                             ? &relation
                             : catalog.find_relation(constraint.referenced_table);
    if (parent != nullptr) references.push_back(make_reference(relation, *parent, constraint));
  }
  for (const auto* child : catalog.relations()) {
    const auto& from = child->oid == relation.oid ? relation : *child;
    for (const auto& constraint : from.constraints) {
      if (constraint.kind == Kind::ForeignKey && constraint.referenced_table == relation.oid)
        referenced_by.push_back(make_reference(from, relation, constraint));
    }
  }
}

bool lock_dependents(SessionContext& context, const WriteTarget& target, std::string_view command) {
  std::set<catalog::Oid> seen = {target.relation().oid};
  std::vector<std::shared_ptr<const WriteTarget>> open;
  const auto look_at = [&](const WriteTarget& parent) {
    for (const auto& reference : parent.referenced_by()) {
      const auto changes = [](char action) { return action == 'c' || action == 'n' || action == 'd'; };
      if (!changes(reference.on_delete) && !changes(reference.on_update)) continue;
      if (!seen.insert(reference.child).second) continue;
      if (context.lock_for_write(relation_of(context, reference.child), command)) return true;
      open.push_back(target_of(context, reference.child));
    }
    return false;
  };
  if (look_at(target)) return true;
  while (!open.empty()) {
    const auto next = open.back();
    open.pop_back();
    if (look_at(*next)) return true;
  }
  return false;
}

bool DeferredReferences::is_deferred(const Reference& reference) const {
  if (!reference.is_deferrable) return false;
  for (const auto& [constraint, deferred] : of) {
    if (constraint == reference.constraint) return deferred;
  }
  return all.value_or(reference.is_deferred);
}

void ReferenceWatch::note_new(std::size_t reference, const Batch& rows,
                              const std::vector<std::uint32_t>& listed) {
  const auto& wanted = target_.references()[reference];
  const auto columns = target_.column_indexes(wanted.child_columns);
  const auto views = views_of(rows, columns);
  new_.resize(target_.references().size());
  auto& keys = new_[reference];
  std::vector<std::uint32_t> fresh;
  for (const auto row : listed) {
    if (has_null(views, row)) {
      require_full_key(context_, wanted, views, row);
      continue;
    }
    const auto count = keys.seen.size();
    keys.seen.insert(views, row, count);
    if (keys.seen.size() > count) fresh.push_back(row);
  }
  if (!fresh.empty()) append_batch(keys.keys, pick(rows, columns, fresh));
}

void ReferenceWatch::inserted(const Batch& rows) {
  if (target_.references().empty()) return;
  std::vector<std::uint32_t> all(rows.row_count());
  for (std::uint32_t row = 0; row < all.size(); ++row) all[row] = row;
  for (std::size_t i = 0; i < target_.references().size(); ++i) note_new(i, rows, all);
}

void ReferenceWatch::updated(const Batch& old, const Batch& rows) {
  if (!is_needed() || rows.row_count() == 0) return;
  const auto changed = [&](const std::vector<std::size_t>& columns) {
    std::vector<std::uint32_t> listed;
    const auto flags = changed_rows(target_, columns, old, rows);
    for (std::uint32_t row = 0; row < flags.size(); ++row) {
      if (flags[row]) listed.push_back(row);
    }
    return listed;
  };
  for (std::size_t i = 0; i < target_.references().size(); ++i) {
    const auto listed = changed(target_.column_indexes(target_.references()[i].child_columns));
    if (!listed.empty()) note_new(i, rows, listed);
  }
  changed_.resize(target_.referenced_by().size());
  for (std::size_t i = 0; i < changed_.size(); ++i) {
    const auto columns = target_.column_indexes(target_.referenced_by()[i].parent_columns);
    const auto listed = changed(columns);
    if (listed.empty()) continue;
    std::vector<std::size_t> before;
    for (const auto column : columns) before.push_back(target_.old_column_of(column));
    const auto views = views_of(old, before);
    std::vector<std::uint32_t> referable;
    for (const auto row : listed) {
      if (!has_null(views, row)) referable.push_back(row);
    }
    if (referable.empty()) continue;
    append_batch(changed_[i].old_keys, pick(old, before, referable));
    append_batch(changed_[i].new_keys, pick(rows, columns, referable));
  }
}

void ReferenceWatch::deleted(const Batch& old) {
  if (target_.referenced_by().empty() || old.row_count() == 0) return;
  deleted_.resize(target_.referenced_by().size());
  for (std::size_t i = 0; i < deleted_.size(); ++i) {
    std::vector<std::size_t> columns;
    for (const auto column : target_.column_indexes(target_.referenced_by()[i].parent_columns))
      columns.push_back(target_.old_column_of(column));
    const auto views = views_of(old, columns);
    std::vector<std::uint32_t> listed;
    for (std::uint32_t row = 0; row < old.row_count(); ++row) {
      if (!has_null(views, row)) listed.push_back(row);
    }
    if (!listed.empty()) append_batch(deleted_[i].old_keys, pick(old, columns, listed));
  }
}

void ReferenceWatch::finish() {
  if (!is_needed()) return;
  auto added = std::exchange(new_, {});
  const auto deleted = std::exchange(deleted_, {}), changed = std::exchange(changed_, {});
  auto& deferred = context_.deferred_references();
  const auto& by = target_.referenced_by();
  const auto each_gone = [&](const auto& action) {
    for (std::size_t i = 0; i < by.size(); ++i) {
      if (i < deleted.size() && deleted[i].old_keys.row_count() > 0)
        action(by[i], by[i].on_delete, deleted[i].old_keys, nullptr);
      if (i < changed.size() && changed[i].old_keys.row_count() > 0)
        action(by[i], by[i].on_update, changed[i].old_keys, &changed[i].new_keys);
    }
  };
  // First what RESTRICT forbids, then what follows, then whether all is well.
  each_gone([&](const Reference& reference, char action, const Batch& keys, const Batch*) {
    if (action == 'r') require_no_children(context_, writes_, reference, keys);
  });
  each_gone([&](const Reference& reference, char action, const Batch& keys, const Batch* new_keys) {
    if (action == 'c' || action == 'n' || action == 'd')
      change_children(context_, writes_, reference, keys, new_keys, action);
  });
  each_gone([&](const Reference& reference, char action, const Batch& keys, const Batch*) {
    if (action != 'a') return;
    if (deferred.is_deferred(reference)) {
      deferred.pending.push_back({reference, true, keys});
      return;
    }
    require_no_children(context_, writes_, reference, pick_rows(keys, rows_gone(writes_, reference, keys)));
  });
  for (std::size_t i = 0; i < added.size(); ++i) {
    const auto& reference = target_.references()[i];
    if (added[i].keys.row_count() == 0) continue;
    if (deferred.is_deferred(reference)) {
      deferred.pending.push_back({reference, false, std::move(added[i].keys)});
      continue;
    }
    const auto missing = rows_without_parent(context_, writes_, reference, added[i].keys);
    if (!missing.empty()) throw_missing(context_, reference, added[i].keys, missing.front());
  }
}

void check_deferred_references(SessionContext& context, catalog::Oid constraint) {
  auto& deferred = context.deferred_references();
  std::vector<DeferredReferences::Pending> due;
  for (auto at = deferred.pending.begin(); at != deferred.pending.end();) {
    if (constraint != 0 && at->reference.constraint != constraint) {
      ++at;
      continue;
    }
    due.push_back(std::move(*at));
    at = deferred.pending.erase(at);
  }
  if (due.empty()) return;
  auto& writes = context.writes("COMMIT");
  for (const auto& pending : due) {
    const auto* relation = context.catalog()->find_relation(pending.reference.child);
    if (relation == nullptr) continue;  // dropped since
    const auto child = target_of(context, pending.reference.child);
    const auto& present = child->references();
    // By its constraint, since DDL may have moved the tables or taken the constraint away.
    const auto found = std::find_if(present.begin(), present.end(), [&](const Reference& reference) {
      return reference.constraint == pending.reference.constraint;
    });
    if (found == present.end()) continue;
    if (pending.is_of_parent) {
      require_no_children(context, writes, *found,
                          pick_rows(pending.keys, rows_gone(writes, *found, pending.keys)));
      continue;
    }
    const auto missing = rows_without_parent(context, writes, *found, pending.keys);
    if (missing.empty()) continue;
    // The rows may be gone, too.
    const Batch keys = pick_rows(pending.keys, missing);
    const auto children = find_children(context, writes, *child, *found, keys, HowMany::One);
    if (!children.key_of.empty()) throw_missing(context, *found, keys, children.key_of.front());
  }
}

std::string execute_set_constraints(SessionContext& context, const sql::SetConstraintsStatement& set) {
  auto& deferred = context.deferred_references();
  if (set.constraints.empty()) {
    deferred.all = set.deferred;
    deferred.of.clear();
    if (!set.deferred) check_deferred_references(context);
    return "SET CONSTRAINTS";
  }
  for (const auto& name : set.constraints) {
    bool is_known = false;
    for (const auto* relation : context.catalog()->relations()) {
      const auto schema = context.catalog()->find_schema(relation->schema)->name;
      const auto path = context.schemas_to_search(name.schema);
      if (std::find(path.begin(), path.end(), schema) == path.end()) continue;
      for (const auto& constraint : relation->constraints) {
        if (constraint.name != name.name) continue;
        if (!constraint.is_deferrable)
          throw Error(ErrorCode::WrongObjectType, "constraint \"" + name.name + "\" is not deferrable");
        is_known = true;
        std::erase_if(deferred.of, [&](const auto& entry) { return entry.first == constraint.oid; });
        deferred.of.emplace_back(constraint.oid, set.deferred);
        if (!set.deferred) check_deferred_references(context, constraint.oid);
      }
    }
    if (!is_known) throw Error(ErrorCode::UndefinedObject, "constraint \"" + name.name + "\" does not exist");
  }
  return "SET CONSTRAINTS";
}

void check_existing_rows(SessionContext& context, const catalog::RelationObject& child,
                         const catalog::ConstraintObject& constraint) {
  const auto& parent =
      constraint.referenced_table == child.oid ? child : relation_of(context, constraint.referenced_table);
  const auto reference = make_reference(child, parent, constraint);
  auto& writes = context.writes("ALTER TABLE");
  storage::ScanRequest request;
  request.table = child.table();
  request.columns = reference.child_columns;
  const auto view = writes.read_view();
  const auto scan = view->scan(request);
  const auto state = scan->make_state();
  RowKeys seen;
  storage::ScanBatch part;
  while (scan->read(*state, part)) {
    context.check_cancelled();
    std::vector<std::uint32_t> fresh;
    for (std::uint32_t row = 0; row < part.row_count; ++row) {
      if (has_null(part.columns, row)) {
        require_full_key(context, reference, part.columns, row);
        continue;
      }
      const auto count = seen.size();
      seen.insert(part.columns, row, count);
      if (seen.size() > count) fresh.push_back(row);
    }
    if (fresh.empty()) continue;
    Batch keys;
    for (std::size_t i = 0; i < part.columns.size(); ++i) {
      keys.columns.emplace_back(child.find_column(reference.child_columns[i])->type, scan->layouts()[i]);
      keys.columns.back().append_rows(part.columns[i], fresh.data(), fresh.size());
    }
    const auto missing = rows_without_parent(context, writes, reference, keys);
    if (!missing.empty()) throw_missing(context, reference, keys, missing.front());
  }
}

}  // namespace tickstone::engine
