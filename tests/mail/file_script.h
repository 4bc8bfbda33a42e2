// What a store does with files of its own, step by step, and what must be there afterwards
// whatever the disk did meanwhile.

#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/mail/file_machine.h"
#include "tests/mail/test_chain.h"

namespace bmsg::mail {

/// What a step has done once it is acknowledged. It may be run again.
struct FileStep {
  std::string name;
  std::function<Result<Done>(Machine&)> run;
  Facts facts;
};

class FileScript {
 public:
  FileScript();

  const std::vector<FileStep>& steps() const { return steps_; }
  /// What a new process finds. Whatever is not as anybody wrote it is said in a word of its own.
  Facts facts(Machine& machine) const;

 private:
  void add(std::string name, std::function<Result<Done>(Machine&)> run, Facts facts = {});
  void add_replacing(const std::string& file, const std::string& text);
  void add_sends();
  void add_returns();
  void add_keyed_and_held();
  void add_keys();
  void add_counts();
  void add_messages(Machine& machine, Facts& found) const;
  Facts there(const std::vector<OutboxFile>& files) const;

  TestChain chain_;
  std::vector<OutboxFile> pair_, pack_, second_pack_, keyed_, card_post_;
  std::map<MessageId, OutboxFile> known_;
  std::vector<FileStep> steps_;
};

/// Runs the steps and remembers what was acknowledged.
class FileRun {
 public:
  /// The disk works, and is empty.
  FileRun(const FileScript& script, CutDisk& disk, std::filesystem::path root);

  /// Goes on in a new process from the step that was not acknowledged; why it stopped, if it did.
  Result<Done> go_on();
  /// A new process finds what was acknowledged, and of the step under way what was before or what
  /// it does. Says what is wrong, or nothing.
  std::string fault() const;
  const std::string& step() const { return script_.steps()[next_].name; }
  bool is_over() const { return next_ == script_.steps().size(); }
  /// What happens after each step that was acknowledged.
  std::function<void()> after_step = [] {};

 private:
  const FileScript& script_;
  CutDisk& disk_;
  std::filesystem::path root_;
  std::size_t next_ = 0;
  Facts settled_;
};

}  // namespace bmsg::mail
