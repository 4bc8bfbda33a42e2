# Removes what the last `cmake --install` put there, and the directories that are empty then.

cmake_minimum_required(VERSION 3.25)

if(NOT EXISTS "${MANIFEST}")
  message(FATAL_ERROR "nothing was installed from here: there is no ${MANIFEST}")
endif()
file(STRINGS "${MANIFEST}" files)
set(root "$ENV{DESTDIR}")
# Without DESTDIR these are everybody's, even when empty.
set(shared "/(bin|lib|share|share/man|share/doc|share/man/man[0-9])$")

foreach(file IN LISTS files)
  set(path "${root}${file}")
  file(REMOVE "${path}")
  if(EXISTS "${path}" OR IS_SYMLINK "${path}")
    message(FATAL_ERROR "cannot remove ${path}")
  endif()
  while(TRUE)
    get_filename_component(path "${path}" DIRECTORY)
    file(GLOB left LIST_DIRECTORIES true "${path}/*")
    if(left OR path STREQUAL root OR path STREQUAL "/" OR NOT IS_DIRECTORY "${path}")
      break()
    elseif(NOT root AND path MATCHES "${shared}")
      break()
    endif()
    file(REMOVE_RECURSE "${path}")
  endwhile()
endforeach()
