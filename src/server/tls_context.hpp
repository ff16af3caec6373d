// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>

struct ssl_ctx_st;
struct ssl_st;

namespace tickstone::server {

struct TlsFiles {
  std::filesystem::path certificate, key;  // empty: no TLS
  std::filesystem::path authorities;       // of clients' certificates; empty: they are not asked for
  std::filesystem::path revoked;           // a list of theirs; empty: none
};

/// The server's certificate and key, and whose certificates clients may have; shared by its connections. A
/// client need not have one, but one that cannot be verified ends the handshake. Threads: any.
class TlsContext {
 public:
  /// Errors: InvalidParameterValue naming the file that cannot be used; InvalidParameterValue for a key that
  /// others may read.
  explicit TlsContext(const TlsFiles& files);

  ssl_ctx_st* get() const { return context_.get(); }
  bool verifies_clients() const { return verifies_clients_; }

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  std::unique_ptr<ssl_ctx_st, Free> context_;
  bool verifies_clients_ = false;
};

}  // namespace tickstone::server
