// bmsg mark: flags of messages; they are local, never on the chain.

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "cli/command.h"
#include "cli/list_form.h"
#include "cli/listing.h"
#include "cli/mailroom.h"
#include "cli/refs.h"
#include "cli/session.h"
#include "lib/api/json_objects.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "storage/rocks_mail_store.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::vector<std::string> words;    // Changes that begin with "+", and references.
  std::vector<std::string> unread;   // What the parser left of "-unread": "nread".
  std::vector<std::string> flagged;  // The same of "-flagged" and "-archived".
  std::vector<std::string> archived;
  bool from_input = false;  // --stdin
  ListForm form;
};

/// What was asked for, understood.
struct Wish {
  mail::FlagChange change;
  std::vector<std::string> refs;
};

/// No reference begins with either sign; "-" gets here only behind "--".
bool is_change(const std::string& word) { return word.starts_with('+') || word.starts_with('-'); }

Result<Wish> wish_of(const Options& options) {
  Wish wish;
  for (const std::string& word : options.words) {
    if (!is_change(word)) wish.refs.push_back(word);
    if (is_change(word)) BMSG_TRY(wish.change.add(word));
  }
  for (const std::string& rest : options.unread) BMSG_TRY(wish.change.add("-u" + rest));
  for (const std::string& rest : options.flagged) BMSG_TRY(wish.change.add("-f" + rest));
  for (const std::string& rest : options.archived) BMSG_TRY(wish.change.add("-a" + rest));
  if (wish.change.empty())
    return Error{Errc::bad_usage, "nothing to change: give a flag, such as +flagged or -unread"};
  if (wish.refs.empty() && !options.from_input)
    return Error{Errc::bad_usage, "no message to mark: give references, or --stdin"};
  if (options.from_input) add_refs_of_input(wish.refs);
  return wish;
}

/// What references mean, and which of them the index does not have.
struct Named {
  std::vector<MessageId> ids;
  std::vector<MessageId> absent;
};

Result<Named> named(const std::vector<std::string>& refs, const mail::MailReader& index,
                    const std::function<Result<MessageId>(const std::string&)>& find) {
  Named found;
  for (const std::string& ref : refs) {
    BMSG_TRY_ASSIGN(const MessageId id, find(ref));
    BMSG_TRY_ASSIGN(const auto entry, index.entry(id));
    (entry ? found.ids : found.absent).push_back(id);
  }
  return found;
}

Result<bool> is_on_chain(const node::ChainReader& chain, const MessageId& id) {
  BMSG_TRY_ASSIGN(const auto places, chain.places_of(id));
  if (!places.empty()) return true;
  BMSG_TRY_ASSIGN(const auto pooled, chain.pooled(id));
  return pooled.has_value();
}

Result<std::vector<MessageId>> all_present(Named found) {
  if (found.absent.empty()) return std::move(found.ids);
  return Error{Errc::not_found,
               fmt::format("message {} is none of ours", to_hex(found.absent.front().view())),
               "'bmsg inbox' lists what came, 'bmsg inbox --sent' what was sent"};
}

/// With the index alone, as far as that goes: changing a flag needs no key.
Result<std::optional<std::vector<MessageId>>> ids_by_index(const std::vector<std::string>& refs,
                                                           Context& context,
                                                           const StoreDir& store) {
  const storage::OpenOptions options{.disk = context.disk};
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  BMSG_TRY_ASSIGN(const auto index, storage::RocksMailStore::open_read_only(store.mail(), options));
  BMSG_TRY_ASSIGN(auto found, named(refs, *index, [&](const std::string& ref) {
                    return find_message(*chain, index.get(), ref);
                  }));
  for (const MessageId& id : found.absent) {
    BMSG_TRY_ASSIGN(const bool may_be_ours, is_on_chain(*chain, id));
    if (may_be_ours) return std::optional<std::vector<MessageId>>();
  }
  BMSG_TRY_ASSIGN(auto ids, all_present(std::move(found)));
  return std::optional(std::move(ids));
}

/// "@" counts what came, which only the key tells; and only with it is new mail found.
Result<std::vector<MessageId>> ids_of(const std::vector<std::string>& refs, Context& context,
                                      const StoreDir& store) {
  const bool counts_back = std::ranges::any_of(
      refs, [](const std::string& ref) { return inbox_steps(ref).has_value(); });
  if (!counts_back) {
    BMSG_TRY_ASSIGN(auto ids, ids_by_index(refs, context, store));
    if (ids) return std::move(*ids);
  }
  BMSG_TRY_ASSIGN(const auto room, Mailroom::open(context, store));
  BMSG_TRY_ASSIGN(auto found, named(refs, room->index(),
                                    [&](const std::string& ref) { return room->find(ref); }));
  return all_present(std::move(found));
}

Result<ExitCode> run(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto printer,
                  ListPrinter::make(context, options.form, api::marked_json({}, {})));
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(auto wish, wish_of(options));
  for (std::string& ref : wish.refs) {
    BMSG_TRY_ASSIGN(ref, listed_ref(context, store, ref));
  }
  BMSG_TRY_ASSIGN(const auto ids, ids_of(wish.refs, context, store));
  if (ids.empty()) return ExitCode::ok;
  BMSG_TRY_ASSIGN(const auto changed, change_flags(context, store, ids, wish.change));
  for (const Flagged& one : changed) {
    const std::string id = to_hex(one.id.view());
    printer.print({api::marked_json(one.id, one.flags), id, id});
  }
  return ExitCode::ok;
}

}  // namespace

void add_mark(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command mark = add_command(app, context, "mark", "Change flags of messages", options, run);
  mark.add_option("words", options->words, "Changes such as +flagged and -unread, and messages")
      .type_name("FLAG|REF");
  // To the parser "-unread" is the option -u with the value "nread".
  const auto take = [mark](const char* letter, std::vector<std::string>& rests) {
    mark.add_option(letter, rests, "").hidden().one_value_each();
  };
  take("-u", options->unread);
  take("-f", options->flagged);
  take("-a", options->archived);
  mark.add_flag("--stdin", options->from_input, "Take references from standard input");
  add_list_options(mark, options->form);
}

}  // namespace bmsg::cli
