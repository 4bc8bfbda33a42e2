#include "storage/format.h"

#include <fmt/format.h>

#include "lib/core/big_endian.h"
#include "lib/core/try.h"

namespace bmsg::storage {

Result<std::optional<std::uint32_t>> read_format(const Records& records, ByteView key,
                                                 const KnownFormats& known) {
  BMSG_TRY_ASSIGN(const auto value, records.get(key));
  if (!value) return std::optional<std::uint32_t>();
  if (value->size() != sizeof(std::uint32_t)) {
    return Error{Errc::corrupt, "the stored format number is malformed"};
  }
  const auto format = load_be<std::uint32_t>(value->data());
  if (format >= known.lowest && format <= known.highest) return std::optional(format);
  return Error{Errc::bad_config,
               fmt::format("made by {} bmsg (format {}, this one knows {})",
                           format > known.highest ? "a newer" : "an older", format, known.highest)};
}

void put_format(Batch& batch, ByteView key, std::uint32_t format) {
  Bytes value;
  append_be(value, format);
  batch.put(key, value);
}

}  // namespace bmsg::storage
