// SPDX-License-Identifier: Apache-2.0
#include "server/tls_context.hpp"

#include <string>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <tickstone/error.hpp>

namespace tickstone::server {
namespace {

[[noreturn]] void fail(const std::string& message) {
  const auto code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  throw Error(ErrorCode::InvalidParameterValue, message, reason == nullptr ? "" : reason);
}

}  // namespace

void TlsContext::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

TlsContext::TlsContext(const std::filesystem::path& certificate_file, const std::filesystem::path& key_file)
    : context_(SSL_CTX_new(TLS_server_method())) {
  if (context_ == nullptr) fail("could not make a TLS context");
  SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context_.get(), SSL_MODE_AUTO_RETRY | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(context_.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_OFF);
  if (SSL_CTX_use_certificate_chain_file(context_.get(), certificate_file.c_str()) != 1) {
    fail("could not load server certificate file \"" + certificate_file.string() + "\"");
  }
  if (SSL_CTX_use_PrivateKey_file(context_.get(), key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    fail("could not load private key file \"" + key_file.string() + "\"");
  }
  if (SSL_CTX_check_private_key(context_.get()) != 1) {
    fail("private key file \"" + key_file.string() + "\" does not belong to the certificate");
  }
}

}  // namespace tickstone::server
