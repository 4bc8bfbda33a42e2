# What a Debian package has beyond `cmake --install`, and what makes two of them equal. CPack runs
# it between installing and packing.

if(NOT DEFINED ENV{SOURCE_DATE_EPOCH})
  message(FATAL_ERROR "SOURCE_DATE_EPOCH is not set; ./dev package sets it")
endif()
set(epoch "$ENV{SOURCE_DATE_EPOCH}")
set(share "${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/share")
set(doc "${share}/doc/bmsg")

execute_process(COMMAND "${CPACK_BMSG_STRIP}" --remove-section=.comment
    "${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/bin/bmsg"
  COMMAND_ERROR_IS_FATAL ANY)

# Where Debian's zsh looks for functions of packages.
file(RENAME "${share}/zsh/site-functions" "${share}/zsh/vendor-completions")

string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)  # That of the epoch.
file(WRITE "${doc}/changelog"
  "bmsg (${CPACK_PACKAGE_VERSION}) unstable; urgency=medium\n\n"
  "  * Version ${CPACK_PACKAGE_VERSION}.\n\n"
  " -- ${CPACK_PACKAGE_CONTACT}  ${date}\n")
execute_process(COMMAND gzip -9n "${doc}/changelog" COMMAND_ERROR_IS_FATAL ANY)

file(MAKE_DIRECTORY "${share}/lintian/overrides" "${doc}/linked")
configure_file("${CPACK_BMSG_SHARE}/lintian-overrides" "${share}/lintian/overrides/bmsg" COPYONLY)

# Notices of what is linked in, as the packages that it was taken from have them.
foreach(package libssl-dev libsecp256k1-dev librocksdb-dev libsnappy-dev zlib1g-dev libbz2-dev
    liblz4-dev libzstd-dev libgflags-dev libutf8proc-dev libqrcodegencpp-dev libcli11-dev
    libfmt-dev nlohmann-json3-dev libjs-bootstrap5)
  file(READ "/usr/share/doc/${package}/copyright" notice)
  file(WRITE "${doc}/linked/${package}" "${notice}")
endforeach()

# Whoever builds, under whatever umask and whenever: one owner (CPack's), one mode, one time.
execute_process(COMMAND chmod -R u=rwX,go=rX "${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr"
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(
  COMMAND find "${CPACK_TEMPORARY_INSTALL_DIRECTORY}" -exec touch -hd "@${epoch}" {} +
  COMMAND_ERROR_IS_FATAL ANY)
