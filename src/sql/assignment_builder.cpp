// SPDX-License-Identifier: Apache-2.0
// SET of UPDATE and of ON CONFLICT.
#include <algorithm>
#include <set>

#include <tickstone/error.hpp>

#include "sql/statement_builder.hpp"
#include "sql/translator.hpp"

namespace tickstone::sql {

namespace {

template <typename Message>
Message* made(const ParseTree& tree, void (*init)(Message*)) {
  auto* message = static_cast<Message*>(tree.allocate(sizeof(Message)));
  init(message);
  return message;
}

Node* string_node(const ParseTree& tree, std::string_view text) {
  auto* copy = static_cast<char*>(tree.allocate(text.size() + 1));
  std::copy(text.begin(), text.end(), copy);
  copy[text.size()] = '\0';
  Node* node = made(tree, pg_query__node__init);
  node->node_case = PG_QUERY__NODE__NODE_STRING;
  node->string = made(tree, pg_query__string__init);
  node->string->sval = copy;
  return node;
}

Node** list_of(const ParseTree& tree, const std::vector<Node*>& nodes) {
  auto** list = static_cast<Node**>(tree.allocate(nodes.size() * sizeof(Node*)));
  std::copy(nodes.begin(), nodes.end(), list);
  return list;
}

}  // namespace

/// The value of an assignment to an element or a slice: the array with it. `array`: an earlier assignment's
/// to the same column.
const Node* StatementBuilder::array_with(const PgQuery__ResTarget& target, const Node* array,
                                         const Node* value, const std::string& table) const {
  if (target.n_indirection != 1 || target.indirection[0]->node_case != PG_QUERY__NODE__NODE_A_INDICES)
    refuse("assignment to a part of a column", target.location);
  const PgQuery__AIndices& indices = *target.indirection[0]->a_indices;
  if (array == nullptr) {
    auto* ref = made(*tree_, pg_query__column_ref__init);
    ref->n_fields = 2;
    ref->fields = list_of(*tree_, {string_node(*tree_, table), string_node(*tree_, target.name)});
    ref->location = target.location;
    Node* node = made(*tree_, pg_query__node__init);
    node->node_case = PG_QUERY__NODE__NODE_COLUMN_REF;
    node->column_ref = ref;
    array = node;
  }
  const auto end_of = [&](Node* bound) {
    if (bound != nullptr) return bound;
    Node* none = made(*tree_, pg_query__node__init);
    none->node_case = PG_QUERY__NODE__NODE_SET_TO_DEFAULT;
    none->set_to_default = made(*tree_, pg_query__set_to_default__init);
    return none;
  };
  std::vector<Node*> arguments = {const_cast<Node*>(array), const_cast<Node*>(value)};
  if (indices.is_slice != 0) arguments.push_back(end_of(indices.lidx));
  arguments.push_back(end_of(indices.uidx));
  Node* name = made(*tree_, pg_query__node__init);
  name->node_case = PG_QUERY__NODE__NODE_A_CONST;
  name->a_const = made(*tree_, pg_query__a__const__init);
  name->a_const->val_case = PG_QUERY__A__CONST__VAL_SVAL;
  name->a_const->sval = string_node(*tree_, target.name)->string;
  arguments.push_back(name);
  auto* call = made(*tree_, pg_query__func_call__init);
  call->n_funcname = 1;
  call->funcname = list_of(*tree_, {string_node(*tree_, kArraySet)});
  call->n_args = arguments.size();
  call->args = list_of(*tree_, arguments);
  call->funcformat = PG_QUERY__COERCION_FORM__COERCE_EXPLICIT_CALL;
  call->location = target.location;
  Node* node = made(*tree_, pg_query__node__init);
  node->node_case = PG_QUERY__NODE__NODE_FUNC_CALL;
  node->func_call = call;
  return node;
}

std::vector<Assignment> StatementBuilder::assignments_of(std::size_t count, Node* const* targets,
                                                         const std::string& table) const {
  std::vector<Assignment> assignments;
  std::set<std::string> in_parts;
  for (std::size_t i = 0; i < count; ++i) {
    const PgQuery__ResTarget* target = targets[i]->res_target;
    const Node* value = target->val;
    if (value->node_case == PG_QUERY__NODE__NODE_MULTI_ASSIGN_REF) {
      const PgQuery__MultiAssignRef* multi = value->multi_assign_ref;
      if (multi->source->node_case == PG_QUERY__NODE__NODE_ROW_EXPR) {
        const PgQuery__RowExpr* row = multi->source->row_expr;
        if (row->n_args != static_cast<std::size_t>(multi->ncolumns)) {
          throw Error(ErrorCode::SyntaxError, "number of columns does not match number of values")
              .at(tree_->position(row->location));
        }
        value = row->args[multi->colno - 1];
      } else if (multi->source->node_case != PG_QUERY__NODE__NODE_SUB_LINK) {
        throw Error(ErrorCode::FeatureNotSupported,
                    "source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression");
      }
    }
    if (target->n_indirection > 0) {
      if (value->node_case == PG_QUERY__NODE__NODE_SET_TO_DEFAULT) {
        throw Error(ErrorCode::FeatureNotSupported, "cannot set an array element to DEFAULT")
            .at(tree_->position(target->location));
      }
      // Several parts of one column, one after the other.
      const auto earlier = std::find_if(assignments.begin(), assignments.end(),
                                        [&](const auto& a) { return a.column == target->name; });
      if (earlier != assignments.end() && in_parts.count(target->name) > 0) {
        earlier->value = expr(array_with(*target, node_of(earlier->value), value, table));
        continue;
      }
      in_parts.insert(target->name);
      value = array_with(*target, nullptr, value, table);
    }
    Assignment assignment;
    assignment.column = target->name;
    assignment.is_default = value->node_case == PG_QUERY__NODE__NODE_SET_TO_DEFAULT;
    if (!assignment.is_default) assignment.value = expr(value);
    assignment.position = tree_->position(target->location);
    assignments.push_back(std::move(assignment));
  }
  return assignments;
}

}  // namespace tickstone::sql
