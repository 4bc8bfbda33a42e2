#include "lib/api/contacts_json.h"
#include "lib/api/format.h"
#include "lib/api/invite.h"
#include "lib/api/json_guard.h"
#include "lib/api/keyring_json.h"
#include "lib/api/local_wire.h"
#include "lib/api/pairing_json.h"
#include "lib/api/request_path.h"
#include "lib/api/rest_json.h"
#include "lib/api/send_line.h"
#include "lib/api/web_form.h"
#include "lib/api/web_input.h"
#include "lib/api/web_mail_input.h"
#include "lib/api/whisper_keyring.h"
#include "lib/api/whisper_post.h"
#include "lib/api/whisper_rpc.h"
#include "lib/api/whisper_values.h"
#include "lib/api/wire_json.h"
#include "tests/fuzz/target.h"

namespace bmsg::fuzz {
namespace {

constexpr std::size_t kLinesMax = 1000;

bool json(ByteView bytes) {
  return same_again(
      bytes, [](std::string_view text) { return api::parse_json(text); }, api::print_json);
}

bool invite(ByteView bytes) {
  (void)api::parse_invite_host(text_of(bytes));
  return same_again(bytes, api::parse_invite, api::print_invite);
}

bool send_line(ByteView bytes) { return static_cast<bool>(api::parse_send_line(text_of(bytes))); }

bool rest_body(ByteView bytes) {
  const std::string_view text = text_of(bytes);
  return any_of(api::parse_rest_post(text), api::parse_rest_node(text),
                api::parse_rest_block(text));
}

bool web_body(ByteView bytes) {
  const std::string_view text = text_of(bytes);
  return any_of(api::parse_web_text(text, "text"), api::parse_web_letter(text),
                api::parse_web_mark(text), api::parse_web_room(text), api::parse_web_file(text),
                api::parse_web_piece(text), api::parse_web_file_choice(text),
                api::WebForm::parse(text, {"name", "text"}));
}

/// Each call has its parameters read as every reader of Whisper's reads them.
bool rpc_call(ByteView bytes) {
  bool is_call = false;
  const auto answer = api::answer_rpc(
      text_of(bytes), [&is_call](const std::string&, const api::Json& params) -> api::RpcOutcome {
        is_call = true;
        for (const api::Json& value : params) {
          (void)api::text_of(value);
          (void)api::bytes_of(value);
          (void)api::topics_of(value);
          (void)api::real_of(value);
          (void)api::truth_of(value);
        }
        return api::Json(true);
      });
  if (answer) check(static_cast<bool>(api::parse_json(*answer, 64u << 20)), "an answer is JSON");
  return is_call;
}

bool peer_info(ByteView bytes) {
  return any_of(api::parse_info(text_of(bytes)), api::parse_peers(text_of(bytes)));
}

bool feed(ByteView bytes) { return static_cast<bool>(api::parse_feed(text_of(bytes))); }

bool put_lines(ByteView bytes) {
  const auto lines = api::parse_put_lines(text_of(bytes), kLinesMax);
  if (lines) check(lines.value().size() <= kLinesMax, "no more lines than were asked for");
  return static_cast<bool>(lines);
}

bool contacts_file(ByteView bytes) {
  return same_again(bytes, api::parse_contacts, api::print_contacts);
}

bool keyring_file(ByteView bytes) {
  const auto json = crypto::SecretBytes::from(bytes);
  const auto keyring = api::parse_keyring(json);
  if (keyring) {
    const auto written = api::print_keyring(keyring.value());
    check(static_cast<bool>(api::parse_keyring(written)), "a keyring is read as it was written");
  }
  return any_of(keyring, api::parse_pairing(json), api::parse_identity_backup(json),
                api::parse_whisper_keys(json));
}

bool request_path(ByteView bytes) {
  const auto range = api::parse_range(text_of(bytes), 512);
  if (range) check(range->count > 0 && range->count <= 512, "a range is bounded");
  std::string_view left = text_of(bytes);
  for (std::size_t before = left.size(); !left.empty(); before = left.size()) {
    (void)api::next_part(left);
    check(left.size() < before, "each part takes something");
  }
  return range.has_value();
}

bool list_format(ByteView bytes) {
  const auto format = api::Format::parse(text_of(bytes), R"({"id":"x","time":1,"body":"y"})");
  if (!format) return false;
  (void)format.value().render(R"({"id":"'","time":2,"body":"\n"})",
                              [](std::string_view text) { return std::string(text); });
  return true;
}

// What a process that shares the store says to another: of one program, and no less strict.

bool local_outcomes(ByteView bytes) {
  using Outcomes = std::vector<node::MessageOutcome>;
  return one_encoding(bytes, api::decode_message_outcomes,
                      [](const Outcomes& value) { return api::encode(value); });
}

bool local_block(ByteView bytes) {
  return one_encoding(bytes, api::decode_block_outcome,
                      [](const node::BlockOutcome& value) { return api::encode(value); });
}

bool local_template(ByteView bytes) {
  return one_encoding(bytes, api::decode_template,
                      [](const node::BlockTemplate& value) { return api::encode(value); });
}

bool local_records(ByteView bytes) {
  return one_encoding(bytes, api::decode_told_records,
                      [](const api::ToldRecords& value) { return api::encode(value); });
}

bool local_rest(ByteView bytes) {
  (void)api::decode_error(bytes);
  return any_of(
      one_encoding(bytes, api::decode_rebuilt,
                   [](const node::Service::Rebuilt& value) { return api::encode(value); }),
      one_encoding(bytes, api::decode_reorg,
                   [](const node::Reorg& value) { return api::encode(value); }),
      one_encoding(bytes, api::decode_outbox_taken,
                   [](const node::OutboxTaken& value) { return api::encode(value); }),
      one_encoding(bytes, api::decode_count, api::encode_count),
      one_encoding(bytes, api::decode_wanted,
                   [](const std::vector<node::WantedBody>& value) { return api::encode(value); }),
      one_encoding(bytes, api::decode_ids, api::encode_ids));
}

constexpr Target kTargets[] = {
    {"json", json},
    {"invite", invite},
    {"send_line", send_line},
    {"rest_body", rest_body},
    {"web_body", web_body},
    {"rpc_call", rpc_call},
    {"peer_info", peer_info},
    {"feed", feed},
    {"put_lines", put_lines},
    {"contacts_file", contacts_file},
    {"keyring_file", keyring_file},
    {"request_path", request_path},
    {"list_format", list_format},
    {"local_outcomes", local_outcomes},
    {"local_block", local_block},
    {"local_template", local_template},
    {"local_records", local_records},
    {"local_rest", local_rest},
};

}  // namespace

std::span<const Target> api_targets() { return kTargets; }

}  // namespace bmsg::fuzz
