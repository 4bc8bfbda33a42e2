#include "lib/mail/statement.h"

#include "lib/core/byte_reader.h"
#include "lib/crypto/sign.h"

namespace bmsg::mail {
namespace {

Bytes statement_text(std::uint8_t scope, ByteView old_key, ByteView new_key) {
  Bytes text = to_bytes("bmsg1 revoke");
  text.push_back(scope);
  append(text, old_key);
  append(text, new_key);
  return text;
}

}  // namespace

Bytes make_statement(std::uint8_t scope, const crypto::SecretBytes& old_seed,
                     const crypto::SecretBytes* new_seed) {
  const IdentityKey old_key = crypto::public_key_of(old_seed);
  const IdentityKey new_key = new_seed ? crypto::public_key_of(*new_seed) : IdentityKey();
  const Bytes text = statement_text(scope, old_key.view(), new_key.view());

  Bytes made{scope};
  append(made, old_key.view());
  append(made, new_key.view());
  append(made, crypto::sign(old_seed, text).view());
  append(made, (new_seed ? crypto::sign(*new_seed, text) : Signature()).view());
  return made;
}

std::optional<Statement> read_statement(ByteView bytes) {
  ByteReader reader(bytes);
  Statement read{.scope = reader.integer<std::uint8_t>(),
                 .old_key = reader.fixed<IdentityKey>(),
                 .new_key = reader.fixed<IdentityKey>()};
  const auto old_signature = reader.fixed<Signature>();
  const auto new_signature = reader.fixed<Signature>();
  if (!reader.finished()) return std::nullopt;

  const Bytes text = statement_text(read.scope, read.old_key.view(), read.new_key->view());
  if (!crypto::verify(read.old_key, text, old_signature)) return std::nullopt;
  if (read.new_key->is_zero()) {
    read.new_key.reset();
    return new_signature.is_zero() ? std::optional(read) : std::nullopt;
  }
  // A device has no successor.
  if (read.scope != kWholeIdentity) return std::nullopt;
  return crypto::verify(*read.new_key, text, new_signature) ? std::optional(read) : std::nullopt;
}

}  // namespace bmsg::mail
