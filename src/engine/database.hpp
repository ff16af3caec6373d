// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "engine/database_status.hpp"
#include "engine/session.hpp"
#include "storage/store.hpp"

namespace tickstone::engine {

class ServerConfiguration;

struct DatabaseOptions {
  storage::StoreOptions store;
  std::size_t memory_bytes = 0;  // of all together, as `set_memory` split it; 0: what the parts say
  std::size_t query_memory_bytes = 2ULL << 30;
  std::string temp_directory;                       // that queries spill to; `open` sets it
  int threads = 0;                                  // of one query; 0: all cores
  int background_workers = 16;                      // jobs at once; 0: they run when `run_due_jobs` is called
  const Clock* clock = nullptr;                     // nullptr: the machine's
  std::string database_name = "inavvi";             // of a new store; an old one keeps its own
  std::string owner_name = "inavvi_user";           // the first role, superuser
  std::string owner_verifier;                       // SCRAM-SHA-256$...; empty: none yet
  std::filesystem::path data_directory;             // `open` sets it
  std::filesystem::path statement_statistics_file;  // kept between runs; `open` sets it
  // Of the server; nullptr: what the files of the directory say.
  std::shared_ptr<ServerConfiguration> configuration;
};

/// A data directory with everything in it: the embedded database.
///
/// Errors of `open`: those of storage::Store::open. Threads: any; a session is for one thread.
class Database {
 public:
  static std::unique_ptr<Database> open(const std::filesystem::path& directory,
                                        const DatabaseOptions& options = {});
  virtual ~Database() = default;  // ends jobs, makes a last checkpoint; all sessions must be gone

  /// Errors: InvalidCatalogName (3D000) `database "x" does not exist`, InvalidAuthorization (28000) `role "x"
  /// does not exist`.
  virtual std::unique_ptr<Session> connect(const SessionOptions& options) = 0;

  /// Of a role that may log in: its SCRAM verifier (empty where it has no password); nothing where there is
  /// no such role.
  virtual std::optional<std::string> find_verifier(std::string_view role) const = 0;
  /// Whether the role is the other, or a member of it, directly or not; being a superuser does not make it
  /// one.
  virtual bool is_member(std::string_view role, std::string_view other) const = 0;
  virtual void set_verifier(std::string_view role, std::string verifier) = 0;
  virtual const std::string& name() const = 0;
  virtual const std::string& owner() const = 0;
  /// Makes a SCRAM verifier for ALTER USER ... PASSWORD 'plain'; the server supplies it (engine has no
  /// crypto). Must be set before such a statement runs.
  using VerifierMaker = std::function<std::string(std::string_view password)>;
  virtual void set_verifier_maker(VerifierMaker maker) = 0;
  virtual storage::Store& store() = 0;
  virtual void checkpoint() = 0;
  /// Runs the jobs that are due now, one after another, and returns when the next one is (microseconds since
  /// 1970 UTC); nothing where none will be.
  virtual std::optional<std::int64_t> run_due_jobs() = 0;
  /// What is watched of it. Cost: reads the newest part of each hypertable and the list of files.
  virtual DatabaseStatus status() = 0;
  /// Whether commits can become durable; false after an error of the log, until it is opened again.
  virtual bool accepts_writes() = 0;
};

/// What `server_version` says, and version() prints beside our own.
inline constexpr std::string_view kServerVersion = "15.8";
inline constexpr int kServerVersionNumber = 150008;

}  // namespace tickstone::engine
