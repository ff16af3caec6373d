// SPDX-License-Identifier: Apache-2.0
// CREATE SEQUENCE, ALTER SEQUENCE and the sequences of SERIAL and identity columns.
#include <algorithm>

#include <tickstone/error.hpp>

#include "engine/ddl_table.hpp"
#include "engine/executors.hpp"
#include "engine/rights.hpp"

namespace tickstone::engine {
namespace {

struct Range {
  std::int64_t least, most;
};

Range range_of(const SqlType& type) {
  switch (type.id) {
    case TypeId::SmallInt:
      return {INT16_MIN, INT16_MAX};
    case TypeId::Integer:
      return {INT32_MIN, INT32_MAX};
    default:
      return {INT64_MIN, INT64_MAX};
  }
}

[[noreturn]] void invalid(const std::string& message) {
  throw Error(ErrorCode::InvalidParameterValue, message);
}

void check_range(const char* what, std::int64_t value, const SqlType& type) {
  const Range range = range_of(type);
  if (value >= range.least && value <= range.most) return;
  invalid(std::string(what) + " (" + std::to_string(value) + ") is out of range for sequence data type " +
          to_sql(type));
}

void check_inside(const char* what, std::int64_t value, const catalog::SequenceInfo& info) {
  if (value < info.minimum) {
    invalid(std::string(what) + " value (" + std::to_string(value) + ") cannot be less than MINVALUE (" +
            std::to_string(info.minimum) + ")");
  }
  if (value > info.maximum) {
    invalid(std::string(what) + " value (" + std::to_string(value) + ") cannot be greater than MAXVALUE (" +
            std::to_string(info.maximum) + ")");
  }
}

/// OWNED BY: the column that the sequence goes with.
void set_owner(SessionContext& context, catalog::RelationObject& sequence,
               const std::vector<std::string>& owned_by) {
  auto& info = *sequence.sequence;
  if (owned_by.empty()) {
    info.owner_table = 0;
    info.owner_column = 0;
    return;
  }
  if (owned_by.size() < 2) {
    throw Error(ErrorCode::SyntaxError, "invalid OWNED BY option", {},
                "Specify OWNED BY table.column or OWNED BY NONE.");
  }
  const auto& name = owned_by[owned_by.size() - 2];
  const auto& table = context.relation({owned_by.size() > 2 ? owned_by[owned_by.size() - 3] : "", name, 0});
  if (table.kind != catalog::RelationKind::Table) {
    throw Error(ErrorCode::WrongObjectType, "sequence cannot be owned by relation \"" + table.name + "\"");
  }
  if (table.schema != sequence.schema) {
    throw Error(ErrorCode::ObjectNotInPrerequisiteState,
                "sequence must be in same schema as table it is linked to");
  }
  const auto* column = table.find_column(owned_by.back());
  if (column == nullptr) {
    throw Error(ErrorCode::UndefinedColumn,
                "column \"" + owned_by.back() + "\" of relation \"" + table.name + "\" does not exist");
  }
  info.owner_table = table.oid;
  info.owner_column = column->id;
}

}  // namespace

catalog::SequenceInfo sequence_info(const sql::SequenceOptions& options,
                                    const catalog::SequenceInfo* present) {
  catalog::SequenceInfo info = present == nullptr ? catalog::SequenceInfo{} : *present;
  const bool is_new = present == nullptr;
  bool resets_maximum = is_new, resets_minimum = is_new;
  if (options.type) {
    if (!is_integer(options.type->id) || options.type->is_array)
      invalid("sequence type must be smallint, integer, or bigint");
    if (!is_new && options.type->id != info.type.id) {
      // The bounds follow the type where they were its own.
      const Range before = range_of(info.type);
      resets_maximum = info.maximum == before.most;
      resets_minimum = info.minimum == before.least;
    }
    info.type = *options.type;
  }
  if (options.increment) info.increment = *options.increment;
  if (info.increment == 0) invalid("INCREMENT must not be zero");
  if (options.cycle) info.cycle = *options.cycle;
  const Range range = range_of(info.type);
  const bool is_ascending = info.increment > 0;
  if (options.maximum) {
    info.maximum = *options.maximum;
  } else if (resets_maximum || options.no_maximum) {
    info.maximum = is_ascending ? range.most : -1;
  }
  check_range("MAXVALUE", info.maximum, info.type);
  if (options.minimum) {
    info.minimum = *options.minimum;
  } else if (resets_minimum || options.no_minimum) {
    info.minimum = is_ascending ? 1 : range.least;
  }
  check_range("MINVALUE", info.minimum, info.type);
  if (info.minimum >= info.maximum) {
    invalid("MINVALUE (" + std::to_string(info.minimum) + ") must be less than MAXVALUE (" +
            std::to_string(info.maximum) + ")");
  }
  if (options.start) {
    info.start = *options.start;
  } else if (is_new) {
    info.start = is_ascending ? info.minimum : info.maximum;
  }
  check_inside("START", info.start, info);
  if (options.cache) info.cache = *options.cache;
  if (info.cache < 1) invalid("CACHE (" + std::to_string(info.cache) + ") must be greater than zero");
  return info;
}

void create_owned_sequence(SessionContext& context, catalog::CatalogEdit& edit,
                           catalog::RelationObject& relation, catalog::ColumnObject& column,
                           const sql::SequenceOptions& options) {
  catalog::RelationObject sequence;
  sequence.oid = context.database().store().next_table_id();
  sequence.kind = catalog::RelationKind::Sequence;
  sequence.schema = relation.schema;
  sequence.owner = relation.owner;
  give_first_rights(context, sequence);
  sequence.temporary = relation.temporary;
  if (options.owned_by && !options.owned_by->empty()) {  // SEQUENCE NAME of an identity column
    sequence.name = options.owned_by->back();
    if (edit.catalog().is_name_taken(relation.schema, sequence.name))
      throw Error(ErrorCode::DuplicateTable, "relation \"" + sequence.name + "\" already exists");
  } else {
    sequence.name = generated_name(edit.catalog(), relation.schema, relation.name, column.name, "seq");
  }
  sequence.sequence = sequence_info(options, nullptr);
  sequence.sequence->owner_table = relation.oid;
  sequence.sequence->owner_column = column.id;
  edit.put_relation(sequence);
  column.sequence = sequence.oid;
  column.not_null = true;
}

std::string execute_create_sequence(Execution& execution, const sql::CreateSequenceStatement& create) {
  auto& context = execution.context;
  auto& edit = context.edit_catalog("CREATE SEQUENCE");
  const auto schema_name =
      create.temporary ? context.temporary_schema() : context.creation_schema(create.sequence.schema).name;
  const auto* schema = edit.catalog().find_schema(schema_name);
  if (edit.catalog().free_name(schema->oid, create.sequence.name) != create.sequence.name) {
    if (!create.if_not_exists)
      throw Error(ErrorCode::DuplicateTable, "relation \"" + create.sequence.name + "\" already exists");
    context.notice({"NOTICE",
                    ErrorCode::DuplicateTable,
                    "relation \"" + create.sequence.name + "\" already exists, skipping",
                    {},
                    {}});
    return "CREATE SEQUENCE";
  }
  catalog::RelationObject sequence;
  sequence.oid = context.database().store().next_table_id();
  sequence.kind = catalog::RelationKind::Sequence;
  sequence.schema = schema->oid;
  sequence.name = create.sequence.name;
  sequence.owner = context.user();
  give_first_rights(context, sequence);
  sequence.temporary = create.temporary;
  sequence.sequence = sequence_info(create.options, nullptr);
  if (create.options.owned_by) set_owner(context, sequence, *create.options.owned_by);
  edit.put_relation(sequence);
  return "CREATE SEQUENCE";
}

std::string execute_alter_sequence(Execution& execution, const sql::AlterSequenceStatement& alter) {
  auto& context = execution.context;
  if (context.find_user_relation(alter.sequence.schema, alter.sequence.name) == nullptr && alter.if_exists) {
    context.notice("relation \"" + alter.sequence.name + "\" does not exist, skipping");
    return "ALTER SEQUENCE";
  }
  auto& edit = context.edit_catalog("ALTER SEQUENCE");
  catalog::RelationObject sequence = context.relation(alter.sequence);
  if (sequence.kind != catalog::RelationKind::Sequence || !sequence.sequence) {
    throw Error(ErrorCode::WrongObjectType, "\"" + sequence.name + "\" is not a sequence");
  }
  const auto info = sequence_info(alter.options, &*sequence.sequence);
  require_owner(context, sequence);
  sequence.sequence = info;
  if (alter.options.owned_by) {
    for (const auto* relation : edit.catalog().relations()) {
      for (const auto& column : relation->columns) {
        if (column.sequence == sequence.oid && column.identity != 0) {
          throw Error(ErrorCode::FeatureNotSupported, "cannot change ownership of identity sequence",
                      "Sequence \"" + sequence.name + "\" is linked to table \"" + relation->name + "\".");
        }
      }
    }
    set_owner(context, sequence, *alter.options.owned_by);
  }
  auto& store = context.database().store();
  if (alter.options.restarts) {
    const auto value = alter.options.restart.value_or(info.start);
    check_inside("RESTART", value, info);
    context.on_commit([&store, oid = sequence.oid, value] { store.set_sequence(oid, value); });
  } else if (const auto last = store.last_sequence_value(sequence.oid)) {
    check_inside("RESTART", *last, info);
    if (alter.options.increment) {
      // What comes next is the last one and the new increment.
      const Int128 after = Int128{*last} + info.increment;
      if (after >= INT64_MIN && after <= INT64_MAX) {
        context.on_commit([&store, oid = sequence.oid, next = static_cast<std::int64_t>(after),
                           value = *last] { store.set_sequence(oid, next, value); });
      }
    }
  }
  edit.put_relation(sequence);
  return "ALTER SEQUENCE";
}

}  // namespace tickstone::engine
