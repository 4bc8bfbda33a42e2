#include "tests/mail/file_script.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/keyring.h"
#include "lib/mail/send_key.h"
#include "lib/mail/statement.h"
#include "tests/mail/support.h"

namespace bmsg::mail {
namespace {

constexpr std::uint64_t kNow = kFilesNow;

MessageId id_of(const OutboxFile& file) { return chain::id_of(file.message.head); }

std::string fact_of(const MessageId& id) { return "message " + to_hex(id.view().first(4)); }

std::vector<OutboxFile> letters(std::uint64_t random, std::uint64_t count) {
  std::vector<OutboxFile> made;
  for (std::uint64_t i = 0; i < count; ++i) {
    made.push_back({.since = {kNow + random + i},
                    .message = sealed_to({recipient(1, 2)}, std::string(700, 'w'), random + i),
                    .note = to_bytes("a note")});
  }
  return made;
}

Card card_of(std::uint64_t seq, std::uint8_t key) {
  const CardDraft draft{.name = {},
                        .device = 0,
                        .seq = seq,
                        .prekey = Prekey::from(prekey(key)),
                        .inbox = {},
                        .time = golden::kMessageTime};
  const auto made = make_card(example_chain(), draft, secret(2)).value().with_nonce(0);
  return read_card(made, example_chain().id).value();
}

Bytes keyring_file(std::string_view text) {
  FakeEntropy entropy(text.size());
  return seal_keyring(crypto::SecretBytes::from(as_bytes(text)), as_bytes(kKeyringPassphrase),
                      kNoPassphraseCost, entropy)
      .value();
}

node::Endorsed signed_block(std::uint8_t number) {
  return {Height{number}, BlockHash::filled(9), number, number, BlockHash::filled(number)};
}

SendKey send_key() { return {.name = key_name("order 7")}; }
SendKey held_key() { return {.name = key_name("order 8")}; }

std::string count_of(const Result<std::optional<KeyRecord>>& found) {
  if (!found) return found.error().message;
  return found.value() ? std::to_string(found.value()->messages.size()) : "0";
}

/// No error where what was wanted is so already.
Result<Done> or_else(Result<Done> result, Errc fine) {
  return result || result.error().code != fine ? result : Result<Done>(done);
}

bool is_later_number(const std::string& fact, const std::string& value, const std::string& last) {
  return fact == "number" && value.size() == 1 && value > last;
}

}  // namespace

FileScript::FileScript() : chain_(std::string(golden::kGenesisText)) {
  pair_ = letters(1, 2);
  pack_ = letters(10, 5);
  second_pack_ = letters(20, 5);
  keyed_ = letters(30, 2);
  card_post_ = {{.since = {kNow + 40}, .message = card_of(2, 0xb1).message, .note = {}}};
  for (const auto* files : {&pair_, &pack_, &second_pack_, &keyed_, &card_post_}) {
    for (const OutboxFile& file : *files) known_[id_of(file)] = file;
  }
  const auto prepare = [](Machine& m) -> Result<Done> {
    BMSG_TRY(m.outbox.prepare());
    return m.disk.sync_directory(m.outbox.directory());
  };
  add("prepare", prepare);
  add_sends();
  add_returns();
  add_keyed_and_held();
  add_keys();
  add_counts();
}

void FileScript::add(std::string name, std::function<Result<Done>(Machine&)> run, Facts facts) {
  steps_.push_back({std::move(name), std::move(run), std::move(facts)});
}

void FileScript::add_replacing(const std::string& file, const std::string& text) {
  const auto run = [file, text](Machine& m) {
    return m.disk.replace(m.root / file, as_bytes(text));
  };
  add(file + ": " + text, run, {{file, text}});
}

Facts FileScript::there(const std::vector<OutboxFile>& files) const {
  Facts facts;
  for (const OutboxFile& file : files) facts[fact_of(id_of(file))] = kThere;
  return facts;
}

void FileScript::add_sends() {
  const MessageId second = id_of(pair_[1]);
  add(
      "send two", [this](Machine& m) { return m.outbox.queue(pair_); }, there(pair_));
  Facts all = there(pack_);
  all["pack"] = "5";
  add(
      "send lines", [this](Machine& m) { return m.outbox.queue(pack_); }, all);
  add("take one", [this](Machine& m) { return m.take({pair_[0]}); });
  const auto refuse = [second](Machine& m) -> Result<Done> {
    BMSG_TRY_ASSIGN(const auto entry, m.outbox.find(second));
    if (!entry) return Error{Errc::not_found, "the message to refuse is not there"};
    return m.outbox.mark_failed(entry->name, "refused");
  };
  add("refuse one", refuse, {{"failed", fact_of(second)}});
  add("try again", [second](Machine& m) { return m.outbox.retry(second); }, {{"failed", ""}});
}

void FileScript::add_returns() {
  const MessageId one = id_of(pack_[1]);
  const MessageId packed = id_of(second_pack_[3]);
  add("take a pack", [this](Machine& m) { return m.take(pack_); });
  const auto back = [this](Machine& m) -> Result<Done> {
    BMSG_TRY(m.outbox.return_lost(chain_.store(), {kNow}));
    return done;
  };
  add("return all", back);
  // That they were put back was told to nobody, so it need not have lasted.
  const auto cancel = [back, one](Machine& m) -> Result<Done> {
    BMSG_TRY(back(m));
    return m.cancel(one);
  };
  add("cancel one", cancel, {{fact_of(one), kGone}, {"pack", "4"}});
  Facts all = there(second_pack_);
  all["second pack"] = "5";
  add(
      "send more lines", [this](Machine& m) { return m.outbox.queue(second_pack_); }, all);
  add("cancel one of a pack", [packed](Machine& m) { return m.cancel(packed); },
      {{fact_of(packed), kGone}, {"second pack", "4"}});
  add("sweep", [](Machine& m) { return m.outbox.sweep({kNow + 2 * kOutboxLeftoverSeconds}); });
}

void FileScript::add_keyed_and_held() {
  const auto keyed = [this](Machine& m) -> Result<Done> {
    SendKeys keys(m.outbox);
    BMSG_TRY_ASSIGN(const auto known, keys.find(send_key(), {kNow}));
    if (!known) BMSG_TRY(keys.queue(send_key(), keyed_, {kNow}));
    return done;
  };
  Facts both = there(keyed_);
  both["keyed"] = "2";
  add("send under a key", keyed, both);
  const auto hold = [](Machine& m) -> Result<Done> {
    Letter letter;
    letter.content = text("for later");
    letter.to.push_back({identity(2), {}});
    SendKeys keys(m.outbox);
    BMSG_TRY_ASSIGN(const auto known, keys.find(held_key(), {kNow}));
    if (known) return done;
    BMSG_TRY_ASSIGN(const auto made, m.held().seal(letter, identity(1), m.entropy));
    BMSG_TRY(keys.keep_held(held_key(), made.id, made.file, {kNow}));
    return done;
  };
  add("hold under a key", hold, {{"held", "for later"}, {"held key", "1"}});
  const auto take_back = [](Machine& m) -> Result<Done> {
    BMSG_TRY_ASSIGN(const auto record, read_key_record(m.outbox, held_key().name));
    if (!record) return Error{Errc::not_found, "the key of the held letter is not there"};
    return or_else(remove_held(m.outbox, record->messages.front().id), Errc::not_found);
  };
  add("take a held one back", take_back, {{"held", "?"}});
}

void FileScript::add_keys() {
  const auto save = [](std::string_view keys) {
    return [file = keyring_file(keys)](Machine& m) {
      return m.disk.replace(m.root / "keyring", file);
    };
  };
  const auto put = [](std::uint64_t seq, std::uint8_t key) {
    return [card = card_of(seq, key)](Machine& m) -> Result<Done> {
      BMSG_TRY(m.cards.put(card));
      return done;
    };
  };
  add("make a keyring", save("one key"), {{"keyring", "one key"}});
  add("put a card", put(1, 0xb0), {{"card", "1 "}});
  const auto rotate = [this, save_two = save("one key and two"),
                       put_two = put(2, 0xb1)](Machine& m) -> Result<Done> {
    BMSG_TRY(save_two(m));
    BMSG_TRY(put_two(m));
    return m.outbox.queue(card_post_);
  };
  Facts rotated = there(card_post_);
  rotated["keyring"] = "one key and two";
  rotated["card"] = "2 ";
  add("rotate", rotate, rotated);
  add("another card of that number", put(2, 0xb2), {{"card", "2 2 "}});
  const auto settle = [card = card_of(2, 0xb2)](Machine& m) { return m.cards.settle(card); };
  add("choose", settle, {{"card", "?"}});
  add("forget the first key", save("only two"), {{"keyring", "only two"}});
  add_replacing("contacts", "ana");
  add_replacing("contacts", "ana, ben");
  add_replacing("contacts", "anna, ben");
  add_replacing("config", "[user]");
  add_replacing("config", std::string(3000, 'x'));
  const Bytes statement = make_statement(kWholeIdentity, secret(3), nullptr);
  const auto revoke = [statement](Machine& m) -> Result<Done> {
    BMSG_TRY(m.cards.put_statement(statement, {}));
    return done;
  };
  add("revoke", revoke, {{"revoked", "revoked"}});
}

void FileScript::add_counts() {
  for (std::uint8_t number = 1; number <= 4; ++number) {
    const auto use = [](Machine& m) -> Result<Done> {
      BMSG_TRY_ASSIGN(auto open, m.conversation());
      return open.used(MessageId::filled(static_cast<std::uint8_t>(open.next_seq())));
    };
    add(fmt::format("number {}", number), use, {{"number", std::to_string(number)}});
  }
  const auto begin = [](Machine& m) {
    return node::EndorserLog::begin(m.disk, m.root / "endorser.log", EndorserKey::filled(5));
  };
  add("begin to endorse", begin, {{"signed", "0"}});
  for (std::uint8_t number = 1; number <= 3; ++number) {
    const auto sign = [number](Machine& m) -> Result<Done> {
      BMSG_TRY_ASSIGN(auto log, m.endorser_log());
      return log.add(signed_block(number));
    };
    add(fmt::format("sign {}", number), sign, {{"signed", std::to_string(number)}});
  }
}

void FileScript::add_messages(Machine& machine, Facts& found) const {
  for (const auto& [id, file] : known_) found[fact_of(id)] = kGone;
  found["failed"] = "";
  const auto entries = machine.outbox.entries();
  if (!entries) found["outbox"] = entries.error().message;
  for (const OutboxEntry& entry : entries ? entries.value() : std::vector<OutboxEntry>()) {
    std::string& fact = found[fact_of(entry.id)];
    const auto read = machine.outbox.read(entry);
    if (!read) {
      fact = read.error().message;
    } else if (fact != kGone || !read.value() ||
               read.value()->message != known_.at(entry.id).message) {
      fact = "twice, or another";
    } else {
      fact = kThere;
    }
    if (entry.place == OutboxPlace::failed) found["failed"] += fact_of(entry.id);
  }
  const auto count = [&](const std::vector<OutboxFile>& files) {
    return std::to_string(std::ranges::count_if(
        files, [&](const OutboxFile& file) { return found[fact_of(id_of(file))] == kThere; }));
  };
  found["pack"] = count(pack_);
  found["second pack"] = count(second_pack_);
}

Facts FileScript::facts(Machine& machine) const {
  Facts found;
  add_messages(machine, found);
  // Whoever asks by the key moves on what was staged.
  const auto keyed = SendKeys(machine.outbox).find(send_key(), {kNow});
  found["keyed"] = count_of(keyed);
  found["held key"] = count_of(SendKeys(machine.outbox).find(held_key(), {kNow}));
  if (keyed && keyed.value()) add_messages(machine, found);
  found.merge(machine.facts());
  const bool has_second_card = found["card"].starts_with("2");
  if (has_second_card && found["keyring"] == "one key") found["order"] = "a card without its key";
  return found;
}

FileRun::FileRun(const FileScript& script, CutDisk& disk, std::filesystem::path root)
    : script_(script), disk_(disk), root_(std::move(root)) {
  Machine machine(disk_, root_);
  settled_ = script_.facts(machine);
}

Result<Done> FileRun::go_on() {
  Machine machine(disk_, root_);
  while (!is_over()) {
    const FileStep& step = script_.steps()[next_];
    BMSG_TRY(step.run(machine));
    for (const auto& [fact, value] : step.facts) settled_[fact] = value;
    ++next_;
    after_step();
  }
  return done;
}

std::string FileRun::fault() const {
  Machine machine(disk_, root_);
  const Facts none;
  const Facts& coming = is_over() ? none : script_.steps()[next_].facts;
  std::string wrong;
  for (const auto& [fact, value] : script_.facts(machine)) {
    const auto settled = settled_.find(fact);
    if (settled == settled_.end()) return fact + ": " + value;
    const auto other = coming.find(fact);
    const bool is_coming =
        other != coming.end() && (other->second == value || other->second == "?");
    if (settled->second == value || settled->second == "?" || is_coming) continue;
    if (is_later_number(fact, value, settled->second)) continue;
    wrong += fmt::format("{}: '{}', not '{}'\n", fact, value, settled->second);
  }
  return wrong;
}

}  // namespace bmsg::mail
