// RocksStore does what every Store does.

#include "tests/contract/store_contract.h"
#include "tests/contract/drop_contract.h"
#include "tests/contract/endorsed_contract.h"
#include "tests/contract/light_contract.h"

#include "tests/storage/store_dir.h"

namespace bmsg {
namespace {

class RocksMaker {
 public:
  explicit RocksMaker(const std::string& rules_text)
      : store_(storage::must(dir_.create(rules_text))) {}

  node::Store& store() { return *store_; }
  void reopen() {
    store_.reset();
    store_ = storage::must(dir_.open());
  }

 private:
  TempDir temp_;
  storage::StoreDir dir_{temp_.path()};
  std::unique_ptr<storage::RocksStore> store_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Rocks, StoreContract, RocksMaker);
INSTANTIATE_TYPED_TEST_SUITE_P(Rocks, LightContract, RocksMaker);
INSTANTIATE_TYPED_TEST_SUITE_P(Rocks, DropContract, RocksMaker);
INSTANTIATE_TYPED_TEST_SUITE_P(Rocks, EndorsedContract, RocksMaker);

}  // namespace
}  // namespace bmsg
