// What a program of a sanitized build tells its sanitizers before main(): scripts give it whatever
// environment they please, and each report shall still be found. Where the build directory holds a
// directory for reports, which the campaigns make, they go there as files; else to standard error.

#include <dlfcn.h>
#include <sys/syscall.h>
#include <unistd.h>

// Scripts do load libraries before; whoever reports ends with a code that nothing of ours has.
#define BMSG_OPTIONS "exitcode=99:verify_asan_link_order=0:print_stacktrace=1"
#define BMSG_THREAD_OPTIONS \
  "exitcode=99:second_deadlock_stack=1:print_suppressions=0:suppressions=" BMSG_SUPPRESSIONS
#define BMSG_TO_FILES ":log_path=" BMSG_REPORTS "/report"

namespace {

/// By the system itself: the sanitizer, which asks, is not there as yet.
bool reports_to_files() { return ::syscall(SYS_access, BMSG_REPORTS, F_OK) == 0; }

/// Beside AddressSanitizer the library for undefined behaviour takes that one's path for its own:
/// both have a function of this name, and the first is called.
__attribute__((constructor)) void lead_undefined_to_files() {
  void* library = reports_to_files() ? ::dlopen("libubsan.so.1", RTLD_LAZY | RTLD_NOLOAD) : nullptr;
  if (library == nullptr) return;
  void* found = ::dlsym(library, "__sanitizer_set_report_path");
  if (found != nullptr) reinterpret_cast<void (*)(const char*)>(found)(BMSG_REPORTS "/report");
}

}  // namespace

extern "C" {

const char* __asan_default_options() {  // NOLINT
  return reports_to_files() ? BMSG_OPTIONS BMSG_TO_FILES : BMSG_OPTIONS;
}

const char* __ubsan_default_options() { return BMSG_OPTIONS; }  // NOLINT

const char* __tsan_default_options() {  // NOLINT
  return reports_to_files() ? BMSG_THREAD_OPTIONS BMSG_TO_FILES : BMSG_THREAD_OPTIONS;
}

}  // extern "C"
