// SPDX-License-Identifier: Apache-2.0
#include "engine/exported_snapshots.hpp"

#include <fmt/format.h>

#include <tickstone/error.hpp>

namespace tickstone::engine {

std::string ExportedSnapshots::add(std::int32_t session, Snapshot snapshot) {
  const std::lock_guard lock(mutex_);
  const std::string name =
      fmt::format("{:08X}-{:08X}-{}", session, static_cast<std::uint32_t>(snapshot.view->seq()), ++count_);
  exported_.emplace(name, Exported{session, std::move(snapshot)});
  ++entry_count_;
  return name;
}

void ExportedSnapshots::import(std::int32_t session, const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = exported_.find(name);
  if (found == exported_.end())
    throw Error(ErrorCode::InvalidParameterValue, "invalid snapshot identifier: \"" + name + "\"");
  if (imports_.insert_or_assign(session, found->second.snapshot).second) ++entry_count_;
}

std::optional<Snapshot> ExportedSnapshots::take_import(std::int32_t session) {
  if (entry_count_ == 0) return std::nullopt;
  const std::lock_guard lock(mutex_);
  auto node = imports_.extract(session);
  if (node.empty()) return std::nullopt;
  --entry_count_;
  return std::move(node.mapped());
}

void ExportedSnapshots::end_transaction(std::int32_t session) noexcept {
  if (entry_count_ == 0) return;
  const std::lock_guard lock(mutex_);
  entry_count_ -=
      std::erase_if(exported_, [&](const auto& entry) { return entry.second.session == session; });
  entry_count_ -= imports_.erase(session);
}

}  // namespace tickstone::engine
