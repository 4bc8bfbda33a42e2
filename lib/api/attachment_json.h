// A file of a message, as JSON. Source: bmsg-json(5), "message".

#pragma once

#include "lib/api/json_guard.h"
#include "lib/api/json_objects.h"

namespace bmsg::api {

/// As it stands among "attachments"; `index` counts from 0.
Json attachment_json(const AttachmentView& view, std::size_t index);

}  // namespace bmsg::api
