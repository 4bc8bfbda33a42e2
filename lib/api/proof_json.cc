#include "lib/api/proof_json.h"

#include "lib/api/json_guard.h"
#include "lib/api/json_parts.h"
#include "lib/core/address.h"
#include "lib/core/base64.h"
#include "lib/core/hex.h"

namespace bmsg::api {
namespace {

Json place_json(const ReceiptView::Place& place) {
  return {{"hash", to_hex(place.hash.view())}, {"height", place.height.value}};
}

Json addresses(const std::vector<IdentityKey>& keys) {
  Json list = Json::array();
  for (const IdentityKey& key : keys) list.push_back(to_address(key));
  return list;
}

void add_opened(Json& json, const ReceiptView::Opened& opened) {
  json["from"] = opened.from ? Json(to_address(*opened.from)) : Json();
  json["signature"] = opened.signature;
  json["subject"] = text_or_null(opened.subject);
  json["media_type"] = text_or_null(opened.media_type);
  add_body(json, opened.body);
}

}  // namespace

std::string receipt_json(const ReceiptView& view) {
  Json json{{"v", 1},
            {"type", "receipt"},
            {"id", to_hex(view.id.view())},
            {"chain_id", to_hex(view.chain.view())},
            {"time", rfc3339(view.time)},
            {"unix", view.time.value},
            {"block", place_json(view.block)},
            {"index", view.index},
            {"anchor", view.anchor ? place_json(*view.anchor) : Json()},
            {"opened", view.opened.has_value()}};
  if (view.opened) add_opened(json, *view.opened);
  json["branch"] = view.branch ? Json(*view.branch) : Json();
  json["confirmations"] = view.confirmations;
  json["signers"] = addresses(view.signers);
  json["text"] = text_or_null(view.text);
  return print_json(json);
}

std::string checkpoint_json(const CheckpointView& view) {
  return print_json({{"v", 1},
                     {"type", "checkpoint"},
                     {"chain_tag", to_hex(view.chain.view())},
                     {"height", view.size - 1},
                     {"root", to_base64(view.root.view())},
                     {"signers", addresses(view.signers)},
                     {"text", text_or_null(view.text)}});
}

std::string pin_json(Height height, const BlockHash& hash) {
  return print_json(
      {{"v", 1}, {"type", "pin"}, {"height", height.value}, {"hash", to_hex(hash.view())}});
}

}  // namespace bmsg::api
