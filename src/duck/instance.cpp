// SPDX-License-Identifier: Apache-2.0
#include "duck/instance.hpp"

#include <atomic>

#include "duck/connection.hpp"
#include "duck/error_translation.hpp"
#include "duck/function_catalog.hpp"
#include "duck/functions/functions.hpp"
#include "duck/host_functions.hpp"
#include "duck/logical_types.hpp"
#include "duck/scan.hpp"
#include "duck/spill_file_system.hpp"
#include "duck/spill_limit.hpp"
#include "duck/workers.hpp"

namespace tickstone::duck {

namespace {

class DuckInstance final : public Instance {
 public:
  explicit DuckInstance(const InstanceOptions& options) {
    duckdb::DBConfig config;
    config.options.maximum_memory = options.memory_limit_bytes;
    if (options.threads > 0) config.options.maximum_threads = static_cast<duckdb::idx_t>(options.threads);
    config.options.autoload_known_extensions = false;
    config.options.autoinstall_known_extensions = false;
    config.options.allow_unsigned_extensions = false;
    config.file_system = make_spill_file_system(options.temp_directory);
    // Before external access is switched off, which freezes it.
    if (options.temp_directory.empty()) {
      config.options.use_temporary_directory = false;
    } else {
      config.options.temporary_directory = options.temp_directory;
      config.options.maximum_swap_space = spill_limit_bytes(options.memory_limit_bytes);
    }
    config.replacement_scans.insert(config.replacement_scans.begin(), replacement_scan());
    db_ = duckdb::make_shared_ptr<duckdb::DuckDB>(nullptr, &config);
    workers_ = std::make_shared<Workers>(db_);
    auto& instance = *db_->instance;
    // What the constructor is given of these is dropped.
    duckdb::DBConfig::GetConfig(instance).optimizer_extensions.push_back(scan_optimizer());
    {
      FunctionCatalog catalog(instance);
      duckdb::TableFunctionSet scans(kScanFunction);
      scans.AddFunction(scan_function());
      catalog.replace(std::move(scans));
      catalog.add_type("jsonb", jsonb_type());
      catalog.add_type("candlestick", candlestick_type());
      register_arithmetic(catalog);
      register_numeric_functions(catalog);
      register_aggregates(catalog);
      register_time_bucket(catalog);
      register_gapfill(catalog);
      register_uuid_functions(catalog);
      register_histogram(catalog);
      register_candlestick(catalog);
      register_time_functions(catalog);
      register_wide_functions(catalog);
      register_text_functions(catalog);
      register_regex_functions(catalog);
      register_format_functions(catalog);
      register_byte_functions(catalog);
      register_array_functions(catalog);
      register_query_functions(catalog);
      register_json_functions(catalog);
      register_cast_functions(catalog);
      catalog.finish();
    }
    register_casts(instance);
    register_host_functions(instance, options);
    duckdb::Connection connection(*db_);
    for (const char* statement :
         {"SET GLOBAL default_null_order = 'postgres'", "SET GLOBAL TimeZone = 'UTC'",
          "SET GLOBAL order_by_non_integer_literal = true", "SET GLOBAL enable_external_access = false",
          "SET GLOBAL disabled_filesystems = 'LocalFileSystem'",
          // It rounds where a cast between DECIMALs must fail, and our scans give it nothing to work with.
          "SET GLOBAL disabled_optimizers = 'statistics_propagation'"}) {
      auto result = connection.Query(statement);
      if (result->HasError()) throw translate(result->GetErrorObject());
    }
  }

  std::unique_ptr<Connection> connect(RelationSource& source, HostFunctions& functions) override {
    // Boundary: DuckDB's errors end here.
    try {
      return std::make_unique<DuckConnection>(db_, workers_, source, functions);
    } catch (const std::exception& exception) {
      throw translate(duckdb::ErrorData(exception));
    }
  }

  bool is_lost() const override { return duckdb::ValidChecker::IsInvalidated(*db_->instance); }

 private:
  duckdb::shared_ptr<duckdb::DuckDB> db_;
  std::shared_ptr<Workers> workers_;
};

}  // namespace

std::unique_ptr<Instance> Instance::open(const InstanceOptions& options) {
  // Boundary: DuckDB's errors end here.
  try {
    return std::make_unique<DuckInstance>(options);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& exception) {
    throw translate(duckdb::ErrorData(exception));
  }
}

}  // namespace tickstone::duck
