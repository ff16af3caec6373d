// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>

struct ssl_ctx_st;
struct ssl_st;

namespace tickstone::server {

/// The server's certificate and key, shared by its connections. Threads: any.
class TlsContext {
 public:
  /// Errors: InvalidParameterValue naming the file that cannot be used.
  TlsContext(const std::filesystem::path& certificate_file, const std::filesystem::path& key_file);

  ssl_ctx_st* get() const { return context_.get(); }

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  std::unique_ptr<ssl_ctx_st, Free> context_;
};

}  // namespace tickstone::server
