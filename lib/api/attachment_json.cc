#include "lib/api/attachment_json.h"

#include "lib/core/hex.h"

namespace bmsg::api {

Json attachment_json(const AttachmentView& view, std::size_t index) {
  Json json{{"index", index}};
  json["name"] = view.fault ? Json() : Json(view.name);
  json["safe_name"] = view.fault ? Json() : Json(view.safe_name);
  json["media_type"] = Json();  // The manifest does not say.
  json["size"] = view.size;
  json["sha512"] = view.hash ? Json(to_hex(view.hash->view())) : Json();
  json["path"] = view.path ? Json(*view.path) : Json();
  json["fault"] = view.fault ? Json(*view.fault) : Json();
  return json;
}

}  // namespace bmsg::api
