// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/row_keys.hpp"
#include "engine/write_target.hpp"

/// Foreign keys: what a statement's rows refer to must be there at its end (or, deferred, at the commit), and
/// what is referred to does not go without what ON DELETE and ON UPDATE say.
///
/// A check is a point lookup by the parent's key, under a shared lock of that key, so that the parent cannot
/// go before this transaction ends. Who removes a parent locks its key alone and then looks for children, in
/// what is committed by then.
namespace tickstone::engine {

/// The foreign keys of a table and those that refer to it, from the catalog.
void find_references(const catalog::Catalog& catalog, const catalog::RelationObject& relation,
                     std::vector<WriteTarget::Reference>& references,
                     std::vector<WriteTarget::Reference>& referenced_by);
/// Locks the tables whose rows the foreign keys to `target` change (CASCADE and its kin), and theirs. True
/// when names must be looked up again, as `SessionContext::lock_for_write`.
bool lock_dependents(SessionContext& context, const WriteTarget& target, std::string_view command);

/// What one statement did to rows with foreign keys, checked and followed up at its end.
class ReferenceWatch {
 public:
  ReferenceWatch(SessionContext& context, storage::Transaction& writes, const WriteTarget& target)
      : context_(context), writes_(writes), target_(target) {}

  bool is_needed() const { return !target_.references().empty() || !target_.referenced_by().empty(); }
  /// Rows that were inserted (all columns in the target's order).
  void inserted(const Batch& rows);
  /// Rows that were changed, and what they were (`WriteTarget::old_columns`).
  void updated(const Batch& old, const Batch& rows);
  void deleted(const Batch& old);
  /// Errors: ForeignKeyViolation; those of the changes that CASCADE and its kin make.
  void finish();

 private:
  struct NewKeys {
    RowKeys seen;
    Batch keys;
  };
  struct GoneKeys {
    Batch old_keys;
    Batch new_keys;  // of updates, row by row
  };
  void note_new(std::size_t reference, const Batch& rows, const std::vector<std::uint32_t>& listed);

  SessionContext& context_;
  storage::Transaction& writes_;
  const WriteTarget& target_;
  std::vector<NewKeys> new_;
  std::vector<GoneKeys> deleted_, changed_;
};

/// What a transaction leaves to its end.
struct DeferredReferences {
  struct Pending {
    WriteTarget::Reference reference;
    bool is_of_parent = false;  // a parent went, else a child came
    Batch keys;
  };
  std::vector<Pending> pending;
  std::optional<bool> all;                        // SET CONSTRAINTS ALL
  std::vector<std::pair<catalog::Oid, bool>> of;  // SET CONSTRAINTS name

  bool is_deferred(const WriteTarget::Reference& reference) const;
};

/// Checks what was put off; of one constraint, or of all. Errors: ForeignKeyViolation.
void check_deferred_references(SessionContext& context, catalog::Oid constraint = 0);
/// SET CONSTRAINTS. Errors: UndefinedObject, WrongObjectType for a constraint that cannot be deferred.
std::string execute_set_constraints(SessionContext& context, const sql::SetConstraintsStatement& set);
/// Rows that are there must obey a new foreign key. Errors: ForeignKeyViolation.
void check_existing_rows(SessionContext& context, const catalog::RelationObject& child,
                         const catalog::ConstraintObject& constraint);

}  // namespace tickstone::engine
