#include "lib/mail/posted_evidence.h"

#include <algorithm>
#include <map>

#include "lib/chain/block_hash.h"
#include "lib/chain/rules_text.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/open.h"

namespace bmsg::mail {
namespace {

constexpr std::string_view kFirstLine = "bmsg-evidence ";

/// Spares reading the records of what is something else.
bool looks_like_evidence(const Message& message) {
  return message.head.suite == Suite::open && message.body &&
         as_text(*message.body).find(kFirstLine) != std::string_view::npos;
}

}  // namespace

Content evidence_content(const chain::Evidence& evidence) {
  Content content;
  content.kind = Kind::proof;
  content.content = to_bytes(chain::print(evidence));
  return content;
}

std::optional<chain::Evidence> evidence_in(const Message& message, const ChainId& chain) {
  if (!looks_like_evidence(message)) return std::nullopt;
  const Opened opened = open_public(message, chain);
  if (opened.fault || opened.content.kind != Kind::proof) return std::nullopt;
  auto evidence = chain::parse_evidence(as_text(opened.content.content));
  if (!evidence || evidence.value().chain != chain) return std::nullopt;
  if (!chain::check_evidence(evidence.value())) return std::nullopt;
  return std::move(evidence).value();
}

Result<bool> is_of_chain(const chain::Evidence& evidence, const node::ChainReader& chain,
                         const ChainId& id) {
  BMSG_TRY_ASSIGN(const auto parent, chain.header(chain::hash_of(evidence.parent)));
  if (!parent) return false;
  const auto first = chain::parse_chain_rules(evidence.rules_text);
  if (first && first.value().id == id) return true;
  BMSG_TRY_ASSIGN(const auto charters, chain.charters());
  return std::ranges::find(charters, evidence.rules_text, &node::StoredCharter::rules_text) !=
         charters.end();
}

Result<Done> PostedEvidence::note(const chain::Evidence& evidence) {
  BMSG_TRY_ASSIGN(const auto key, chain::check_evidence(evidence));
  const auto file = directory_ / to_hex(key.view());
  BMSG_TRY_ASSIGN(const auto known, disk_.read(file, chain::kEvidenceBytesMax));
  // It may be left of somebody who died before its name was durable.
  if (known && chain::parse_evidence(as_text(*known))) return disk_.sync_directory(directory_);
  BMSG_TRY(disk_.make_directory(directory_));
  return disk_.replace(file, as_bytes(chain::print(evidence)));
}

Result<std::vector<chain::Evidence>> PostedEvidence::all() const {
  std::vector<chain::Evidence> found;
  std::error_code absent;  // No directory: nobody has posted any.
  if (!std::filesystem::exists(directory_, absent)) return found;
  BMSG_TRY_ASSIGN(auto names, disk_.list(directory_));
  std::ranges::sort(names);
  for (const std::string& name : names) {
    if (name.size() != 2 * EndorserKey::kSize) continue;
    BMSG_TRY_ASSIGN(const auto bytes, disk_.read(directory_ / name, chain::kEvidenceBytesMax));
    if (!bytes) continue;
    auto evidence = chain::parse_evidence(as_text(*bytes));
    if (evidence && chain::check_evidence(evidence.value()))
      found.push_back(std::move(evidence).value());
  }
  return found;
}

Result<std::vector<chain::Evidence>> all_evidence(const node::ChainReader& chain,
                                                  const PostedEvidence& posted) {
  BMSG_TRY_ASSIGN(auto found, chain.evidence());
  BMSG_TRY_ASSIGN(auto others, posted.all());
  std::ranges::move(others, std::back_inserter(found));
  std::map<EndorserKey, chain::Evidence> by_key;
  for (chain::Evidence& one : found) {
    BMSG_TRY_ASSIGN(const auto key, chain::check_evidence(one));
    by_key.emplace(key, std::move(one));
  }
  std::vector<chain::Evidence> all;
  for (auto& [key, one] : by_key) all.push_back(std::move(one));
  return all;
}

}  // namespace bmsg::mail
