// SPDX-License-Identifier: Apache-2.0
#include "engine/database.hpp"

#include <algorithm>

#include <tickstone/error.hpp>

#include "catalog/catalog.hpp"
#include "catalog/objects_table.hpp"
#include "catalog/privileges.hpp"
#include "engine/aggregate_log.hpp"
#include "engine/catalog_lock.hpp"
#include "engine/database_core.hpp"
#include "engine/job_procedures.hpp"
#include "engine/job_scheduler.hpp"
#include "engine/protocol_session.hpp"
#include "engine/server_configuration.hpp"
#include "engine/temporary_files.hpp"
#include "engine/temporary_tables.hpp"

namespace tickstone::engine {
namespace {

class OpenDatabase final : public Database {
 public:
  OpenDatabase(std::unique_ptr<storage::Store> store, const DatabaseOptions& options)
      : core_(std::make_unique<DatabaseCore>(std::move(store), options)) {
    if (core_->store().read_view()->schema(catalog::kObjectsTable) == nullptr) {
      auto transaction = core_->store().begin();
      catalog::RoleObject owner;
      owner.oid = 10;  // PostgreSQL's bootstrap superuser
      owner.name = options.owner_name;
      owner.verifier = options.owner_verifier;
      owner.superuser = owner.create_db = owner.create_role = true;
      catalog::bootstrap(*transaction, owner);
      catalog::write_database_name(*transaction, options.database_name);
      transaction->commit();
    }
    if (!options.store.read_only) create_aggregate_tables(core_->store());
    core_->aggregates().load(*core_->store().read_view());
    core_->reload_catalog();
    drop_temporary_schemas(*core_);
    for (const auto* role : core_->catalog()->roles()) {
      if (role->oid == 10) owner_ = role->name;
    }
    if (options.store.read_only) return;
    core_->statements().load(options.statement_statistics_file);
    make_first_job();
    core_->jobs().record_crashes();
    core_->jobs().start(options.background_workers);
  }

  ~OpenDatabase() override {
    core_->jobs().stop();
    const auto& file = core_->options().statement_statistics_file;
    if (!file.empty() && core_->configuration().boolean("pg_stat_statements.save"))
      core_->statements().save(file);
  }
  OpenDatabase(const OpenDatabase&) = delete;
  OpenDatabase& operator=(const OpenDatabase&) = delete;

  std::unique_ptr<Session> connect(const SessionOptions& options) override {
    if (core_->catalog()->find_role(options.user) == nullptr) {
      throw Error(ErrorCode::InvalidAuthorization, "role \"" + options.user + "\" does not exist");
    }
    if (!options.database.empty() && options.database != name()) {
      throw Error(ErrorCode::InvalidCatalogName, "database \"" + options.database + "\" does not exist", {},
                  "This store holds the database \"" + name() + "\".");
    }
    if (!options.is_job && !catalog::has_database_privilege(*core_->catalog(), options.user,
                                                            catalog::bits(catalog::Privilege::Connect))) {
      throw Error(ErrorCode::InsufficientPrivilege, "permission denied for database \"" + name() + "\"",
                  "User does not have CONNECT privilege.");
    }
    require_room_for_role(options);
    SessionOptions numbered = options;
    if (numbered.pid == 0) numbered.pid = core_->next_pid();
    return make_protocol_session(*core_, numbered);
  }

  std::optional<std::string> find_verifier(std::string_view role) const override {
    const auto catalog = core_->catalog();
    const auto* found = catalog->find_role(role);
    if (found == nullptr || !found->login) return std::nullopt;
    const bool is_over = found->valid_until_us && *found->valid_until_us < core_->clock().now_us();
    return is_over ? std::string() : found->verifier;
  }

  bool is_member(std::string_view role, std::string_view other) const override {
    return catalog::is_member_itself(*core_->catalog(), std::string(role), std::string(other));
  }

  void set_verifier(std::string_view role, std::string verifier) override {
    auto transaction = core_->store().begin();
    lock_catalog(*transaction);
    const auto catalog = catalog::Catalog::load(*transaction->read_view());
    const auto* found = catalog->find_role(role);
    if (found == nullptr)
      throw Error(ErrorCode::UndefinedObject, "role \"" + std::string(role) + "\" does not exist");
    catalog::RoleObject changed = *found;
    changed.verifier = std::move(verifier);
    catalog::CatalogEdit edit(catalog, *transaction);
    edit.put_role(changed);
    transaction->set_on_committed(
        [&](storage::CommitSeq seq) { core_->publish_catalog(edit.finish(), seq); });
    transaction->commit();
  }

  const std::string& name() const override { return core_->name(); }
  const std::string& owner() const override { return owner_; }
  void set_verifier_maker(VerifierMaker maker) override { core_->set_verifier_maker(std::move(maker)); }
  storage::Store& store() override { return core_->store(); }
  void checkpoint() override { core_->store().checkpoint(); }
  DatabaseStatus status() override { return make_database_status(*core_); }
  bool accepts_writes() override { return !core_->store().statistics().has_failed; }
  std::optional<std::int64_t> run_due_jobs() override { return core_->jobs().run_due(); }

 private:
  /// CONNECTION LIMIT of the role; superusers have none.
  void require_room_for_role(const SessionOptions& options) const {
    const auto catalog = core_->catalog();
    const auto* role = catalog->find_role(options.user);
    if (role == nullptr || role->connection_limit < 0 || role->superuser || options.is_job) return;
    const auto sessions = core_->sessions();
    const auto count = std::count_if(sessions.begin(), sessions.end(), [&](const auto& session) {
      return session.user == options.user && !session.is_job;
    });
    if (count < role->connection_limit) return;
    throw Error(ErrorCode::TooManyConnections, "too many connections for role \"" + options.user + "\"");
  }

  /// In a store that has kept no jobs yet: their tables, and the job that bounds their history.
  void make_first_job() {
    if (core_->store().read_view()->schema(catalog::kJobStatisticsTable) != nullptr) return;
    auto transaction = core_->store().begin();
    catalog::make_job_tables(*transaction);
    catalog::CatalogEdit edit(core_->catalog(), *transaction);
    edit.put_job(job_history_retention(owner_));
    transaction->set_on_committed(
        [&](storage::CommitSeq seq) { core_->publish_catalog(edit.finish(), seq); });
    transaction->commit();
  }

  std::unique_ptr<DatabaseCore> core_;
  std::string owner_;
};

}  // namespace

std::unique_ptr<Database> Database::open(const std::filesystem::path& directory,
                                         const DatabaseOptions& options) {
  auto store = storage::Store::open(directory, options.store);
  auto kept = options;
  if (kept.configuration == nullptr) {
    ConfigurationSources sources;
    sources.data_directory = directory;
    kept.configuration = ServerConfiguration::load(sources);
  }
  kept.temp_directory = options.store.read_only ? "" : make_temporary_directory(directory);
  kept.data_directory = directory;
  if (!options.store.read_only) kept.statement_statistics_file = directory / "statements.json";
  if (const auto name = catalog::read_database_name(*store->read_view())) kept.database_name = *name;
  return std::make_unique<OpenDatabase>(std::move(store), kept);
}

}  // namespace tickstone::engine
