#include "lib/chain/rules.h"

namespace bmsg::chain {

std::string_view name_of(Rule rule) {
  switch (rule) {
    case Rule::magic:
      return "magic";
    case Rule::height:
      return "height";
    case Rule::previous:
      return "prev";
    case Rule::rules:
      return "rules";
    case Rule::past:
      return "past";
    case Rule::time:
      return "time";
    case Rule::bits:
      return "bits";
    case Rule::work:
      return "work";
    case Rule::seal:
      return "seal";
    case Rule::count:
      return "count";
    case Rule::order:
      return "order";
    case Rule::root:
      return "root";
    case Rule::size:
      return "size";
    case Rule::duplicate:
      return "duplicate";
    case Rule::suite:
      return "suite";
    case Rule::charter:
      return "charter";
    case Rule::body:
      return "body";
    case Rule::layout:
      return "layout";
    case Rule::chain:
      return "chain";
    case Rule::message_size:
      return "size";
    case Rule::ttl:
      return "ttl";
    case Rule::early:
      return "early";
    case Rule::expired:
      return "expired";
    case Rule::stamp:
      return "stamp";
    case Rule::frame:
      return "frame";
    case Rule::digest:
      return "digest";
  }
  return "unknown";
}

}  // namespace bmsg::chain
