// policies.toml of a store: whose signatures messages of a topic or a room need here.

#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "lib/api/policy_json.h"
#include "lib/mail/contact_book.h"
#include "lib/mail/policy.h"

namespace bmsg::cli {

using Policies = std::vector<mail::Policy>;

/// Errors: Errc::bad_config: who cannot read a rule must not act as if there were none.
Result<Policies> read_policies(const Context& context, const StoreDir& store);

/// Changes them durably, under the lock of the store's small files.
Result<Done> change_policies(Context& context, const StoreDir& store,
                             const std::function<Result<Done>(Policies&)>& change);

/// What the name of a policy names.
enum class PolicyPlace : std::uint8_t { unsaid, topic, room };

/// A policy without a rule, of what somebody calls by this name.
/// Errors: Errc::bad_usage for what is no topic, and where it is unsaid and there is a room of this
/// name; Errc::no_recipient for no room.
Result<mail::Policy> policy_named(const mail::ContactBook& contacts, const std::string& name,
                                  PolicyPlace place);

/// Which of them is meant by a name. Errors: Errc::not_found; Errc::bad_usage for several.
Result<Policies::iterator> find_policy(Policies& policies, const mail::ContactBook& contacts,
                                       const std::string& name, PolicyPlace place);

/// An expression with the names of contacts, each a person.
/// Errors: Errc::bad_usage; Errc::no_recipient for an unknown name.
Result<mail::Quorum> parse_rule(const mail::ContactBook& contacts, const std::string& text);

api::PolicyView policy_view(const mail::ContactBook& contacts, const mail::Policy& policy);

}  // namespace bmsg::cli
