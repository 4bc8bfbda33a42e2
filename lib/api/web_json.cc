#include "lib/api/web_json.h"

#include "lib/api/json_guard.h"
#include "lib/api/json_parts.h"
#include "lib/core/address.h"
#include "lib/core/codec.h"
#include "lib/core/hex.h"

namespace bmsg::api {
namespace {

Json object(const char* type) { return Json{{"v", 1}, {"type", type}}; }

/// Whoever wrote it could have put any bytes there.
void add_open(Json& json, const ChainedView::Open& open) {
  json["from"] = open.from ? Json(to_address(*open.from)) : Json();
  json["signature"] = open.signature;
  json["subject"] = text_or_null(open.subject);
  json["media_type"] = text_or_null(open.media_type);
  add_body(json, open.body);
}

}  // namespace

std::string remark_json(std::string_view text) {
  Json json = object("remark");
  json["text"] = text;
  return print_json(json);
}

std::string code_json(const CodeView& view) {
  Json json = object("code");
  json["text"] = view.text;
  json["card"] = view.card ? Json(*view.card) : Json();
  json["rows"] = Json::array();
  for (const std::vector<bool>& row : view.modules) {
    std::string bits;
    for (const bool dark : row) bits += dark ? '1' : '0';
    json["rows"].push_back(bits);
  }
  return print_json(json);
}

std::string header_json(const BlockHash& hash, const SealedHeader& sealed) {
  Json json = object("header");
  json["hash"] = to_hex(hash.view());
  json["bytes"] = to_hex(encode(sealed.header));
  Bytes seal;
  append_seal(seal, sealed.seal);
  json["seal"] = to_hex(seal);
  return print_json(json);
}

std::string chained_json(const ChainedView& view) {
  Json json = object("chained");
  const MessageHead& head = view.head;
  json["id"] = to_hex(view.id.view());
  json["state"] = view.state;
  json["suite"] = static_cast<int>(head.suite);
  json["topic"] = to_hex(head.topic.view());
  json["time"] = rfc3339({head.time});
  json["expires"] = rfc3339({head.expiry()});
  json["size"] = head.encoded_bytes();
  json["index"] = view.index ? Json(*view.index) : Json();
  json["height"] = view.height ? Json(view.height->value) : Json();
  json["block"] = view.block ? Json(to_hex(view.block->view())) : Json();
  json["confirmations"] = view.confirmations;
  json["dropped"] = view.dropped ? Json(rfc3339(*view.dropped)) : Json();
  json["public"] = view.open.has_value();
  if (view.open) add_open(json, *view.open);
  return print_json(json);
}

}  // namespace bmsg::api
