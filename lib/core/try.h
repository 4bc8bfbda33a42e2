// BMSG_TRY and BMSG_TRY_ASSIGN: return the Error of a failed Result, else go on.

#pragma once

#include <utility>

#define BMSG_TRY(expression)                 \
  do {                                       \
    if (auto tried = (expression); !tried) { \
      return tried.error();                  \
    }                                        \
  } while (false)

/// BMSG_TRY_ASSIGN(const auto block, store.block(hash));
#define BMSG_TRY_ASSIGN(declaration, expression) \
  BMSG_TRY_ASSIGN_AS(BMSG_TRY_NAME(bmsg_tried_, __LINE__), declaration, expression)
#define BMSG_TRY_ASSIGN_AS(tried, declaration, expression) \
  auto tried = (expression);                               \
  if (!tried) {                                            \
    return tried.error();                                  \
  }                                                        \
  declaration = std::move(tried).value()
#define BMSG_TRY_NAME(a, b) BMSG_TRY_PASTE(a, b)
#define BMSG_TRY_PASTE(a, b) a##b
