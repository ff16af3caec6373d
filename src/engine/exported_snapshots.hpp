// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "catalog/catalog.hpp"
#include "storage/store.hpp"

namespace tickstone::engine {

/// What one transaction sees, for another that is to see the same.
struct Snapshot {
  std::shared_ptr<const storage::ReadView> view;
  std::shared_ptr<const catalog::Catalog> catalog;
};

/// pg_export_snapshot and SET TRANSACTION SNAPSHOT: snapshots by their names, from the call to the end of the
/// transaction that made it. Sessions are told by their numbers. Threads: any.
class ExportedSnapshots {
 public:
  /// The name: `00000003-0000001B-1`, of the session, the commit and how many there were before.
  std::string add(std::int32_t session, Snapshot snapshot);
  /// The session's transaction is to read the snapshot from its next statement on.
  /// Errors: InvalidParameterValue `invalid snapshot identifier`.
  void import(std::int32_t session, const std::string& name);
  /// What was imported since the last call.
  std::optional<Snapshot> take_import(std::int32_t session);
  /// Nobody may import any more what the session exported.
  void end_transaction(std::int32_t session) noexcept;

 private:
  struct Exported {
    std::int32_t session = 0;
    Snapshot snapshot;
  };

  mutable std::mutex mutex_;
  std::map<std::string, Exported> exported_;
  std::map<std::int32_t, Snapshot> imports_;
  std::uint32_t count_ = 0;
  std::atomic<std::size_t> entry_count_{0};  // of both maps: mostly none, which needs no lock
};

}  // namespace tickstone::engine
