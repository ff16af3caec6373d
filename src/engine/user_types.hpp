// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "engine/executors.hpp"
#include "engine/session_context.hpp"
#include "sql/statement.hpp"

/// Types that users make: enums and domains.
namespace tickstone::engine {

/// CREATE, ALTER and DROP TYPE and DOMAIN.
std::string execute_type(Execution& execution, const sql::TypeStatement& statement);
void alter_domain(Execution& execution, catalog::CatalogEdit& edit, catalog::TypeObject& domain,
                  const sql::TypeStatement& statement);
catalog::TypeObject make_domain(SessionContext& context, const sql::TypeStatement& create);

/// What a definition's type is: `type`, or where it has a name, the user's type of that name.
struct ResolvedType {
  SqlType type;
  catalog::Oid domain = 0;
};
/// Errors: those of `sql::fail_unknown_type`; FeatureNotSupported for arrays of domains.
ResolvedType resolve_type(const SessionContext& context, const SqlType& type, const sql::QualifiedName& name);

/// Columns of tables that are of the domain.
struct DomainColumn {
  catalog::Oid relation = 0;
  std::string table;  // schema and name
  std::string name;   // the table's
  std::string column;
};
std::vector<DomainColumn> columns_of_domain(const catalog::Catalog& catalog, catalog::Oid domain);

/// A new type's OID, after which that of arrays of it is free, too.
catalog::Oid next_type_oid(SessionContext& context);
/// COMMENT ON TYPE and DOMAIN.
void comment_on_type(SessionContext& context, catalog::CatalogEdit& edit,
                     const sql::CommentStatement& comment);
/// Drops the types of a schema that is dropped with all in it.
void drop_types_of(SessionContext& context, catalog::CatalogEdit& edit, catalog::Oid schema);
/// The type, or the domain, by its name where a user made it.
std::string type_words(const catalog::Catalog& catalog, const SqlType& type, catalog::Oid domain = 0);
/// `schema.name`, quoted where needed.
std::string qualified_name(const catalog::Catalog& catalog, const catalog::TypeObject& type);
/// `type mood`, as messages have it.
std::string described(const catalog::TypeObject& type);

}  // namespace tickstone::engine
