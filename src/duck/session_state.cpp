// SPDX-License-Identifier: Apache-2.0
#include "duck/session_state.hpp"

#include "duck/error_translation.hpp"

namespace tickstone::duck {

SessionState& SessionState::of(duckdb::ClientContext& context) {
  auto state = context.registered_state->Get<SessionState>(kKey);
  if (!state) throw duckdb::InvalidInputException("no session");
  return *state;
}

void SessionState::begin_statement() {
  view_ = source_->read_view();
  found_.clear();
}

std::optional<SourceRelation> SessionState::find_relation(const std::string& name) {
  auto relation = source_->find_relation(name);
  if (relation) found_[name] = *relation;
  return relation;
}

const SourceRelation* SessionState::found_relation(const std::string& name) const {
  const auto found = found_.find(name);
  return found == found_.end() ? nullptr : &found->second;
}

std::shared_ptr<const Batch> SessionState::rows(const std::string& name) {
  const std::scoped_lock lock(host_mutex_);
  return source_->rows(name);
}

std::string SessionState::chunk_name(const std::string& relation, std::uint32_t number) {
  const std::scoped_lock lock(host_mutex_);
  return source_->chunk_name(relation, number);
}

void SessionState::note_into(PlanNotes* notes) { notes_ = notes; }

Value SessionState::call(std::string_view function, std::span<const Value> arguments) {
  const std::scoped_lock lock(host_mutex_);
  return functions_->call(function, arguments);
}

Batch SessionState::call_table(std::string_view function, std::span<const Value> arguments) {
  const std::scoped_lock lock(host_mutex_);
  return functions_->call_table(function, arguments);
}

}  // namespace tickstone::duck
