#include "cli/web_answers.h"

#include "cli/report.h"
#include "lib/api/json_objects.h"

namespace bmsg::cli {
namespace {

int status_of(Errc code) {
  switch (code) {
    case Errc::bad_usage:
    case Errc::bad_input:
      return 400;
    case Errc::not_found:
      return 404;
    case Errc::no_recipient:
    case Errc::no_host:
      return 422;
    case Errc::exists:
      return 409;
    case Errc::denied:
      return 423;
    case Errc::locked:
    case Errc::try_again:
    case Errc::unreachable:
      return 503;
    default:
      return 500;
  }
}

}  // namespace

net::HttpResponse finished(net::HttpResponse response) {
  api::add_web_fields(response);
  return response;
}

net::HttpResponse lines_answer(std::string_view lines) {
  return finished(net::text_response(200, lines, "application/x-ndjson"));
}

net::HttpResponse error_answer(const Error& error, std::optional<int> status) {
  const ExitCode code = exit_code_of(error.code);
  const std::string object =
      api::error_json({static_cast<int>(code), name_of(code), error.message, hint_for(error)});
  return finished(net::text_response(status.value_or(status_of(error.code)), object + "\n",
                                     "application/json"));
}

net::HttpResponse refusal_answer(const api::WebRefusal& refused) {
  const std::string object = api::error_json(
      {static_cast<int>(ExitCode::no_permission), refused.name, refused.message, {}});
  auto response = net::text_response(refused.status, object + "\n", "application/json");
  if (refused.wait > std::chrono::seconds(0))
    response.fields.push_back({"Retry-After", std::to_string(refused.wait.count())});
  return finished(std::move(response));
}

}  // namespace bmsg::cli
