// SPDX-License-Identifier: Apache-2.0
#include "server/tls_context.hpp"

#include <string>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tickstone/error.hpp>

namespace tickstone::server {
namespace {

[[noreturn]] void fail(const std::string& message) {
  const auto code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  throw Error(ErrorCode::InvalidParameterValue, message, reason == nullptr ? "" : reason);
}

/// As PostgreSQL: a key is its owner's alone, or root's and a group's.
void require_private(const std::filesystem::path& key_file) {
  struct stat info {};
  if (::stat(key_file.c_str(), &info) != 0) return;  // loading it says so
  const bool may_group = info.st_uid == 0 && ::geteuid() != 0;
  if ((info.st_mode & (may_group ? S_IRWXO | S_IWGRP | S_IXGRP : S_IRWXO | S_IRWXG)) == 0) return;
  throw Error(ErrorCode::InvalidParameterValue,
              "private key file \"" + key_file.string() + "\" has group or world access",
              "File must have permissions u=rw (0600) or less if owned by the database user, or permissions "
              "u=rw,g=r (0640) or less if owned by root.");
}

}  // namespace

void TlsContext::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

TlsContext::TlsContext(const TlsFiles& files) : context_(SSL_CTX_new(TLS_server_method())) {
  if (context_ == nullptr) fail("could not make a TLS context");
  SSL_CTX* context = context_.get();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_mode(context, SSL_MODE_AUTO_RETRY | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1)
    fail("could not load server certificate file \"" + files.certificate.string() + "\"");
  require_private(files.key);
  const bool is_loaded = SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) == 1;
  const auto reason = ERR_GET_REASON(ERR_peek_last_error());
  if (is_loaded ? SSL_CTX_check_private_key(context) != 1
                : reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH)
    fail("private key file \"" + files.key.string() + "\" does not belong to the certificate");
  if (!is_loaded) fail("could not load private key file \"" + files.key.string() + "\"");
  if (files.authorities.empty()) return;

  auto* names = SSL_load_client_CA_file(files.authorities.c_str());
  if (names == nullptr || SSL_CTX_load_verify_locations(context, files.authorities.c_str(), nullptr) != 1)
    fail("could not load root certificate file \"" + files.authorities.string() + "\"");
  SSL_CTX_set_client_CA_list(context, names);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE, nullptr);
  verifies_clients_ = true;
  if (files.revoked.empty()) return;
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  if (X509_STORE_load_locations(store, files.revoked.c_str(), nullptr) != 1)
    fail("could not load SSL certificate revocation list file \"" + files.revoked.string() + "\"");
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
}

}  // namespace tickstone::server
