// Parts of objects that several kinds of them have. Source: bmsg-json(5).

#pragma once

#include <string>

#include "lib/api/json_guard.h"
#include "lib/core/bytes.h"
#include "lib/core/ids.h"

namespace bmsg::api {

/// "2026-11-22T14:03:00Z"; the end of the year 9999 for all that is later.
std::string rfc3339(UnixSeconds time);

/// null for an empty text.
inline Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

/// "body", and where it is no UTF-8 "body_base64" beside a null.
void add_body(Json& json, const Bytes& body);

}  // namespace bmsg::api
