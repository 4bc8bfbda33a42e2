# What CPack runs after packing.
foreach(package IN LISTS CPACK_PACKAGE_FILES)
  execute_process(COMMAND "${CPACK_BMSG_SHARE}/repack.sh" "${package}"
      "${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr"
    COMMAND_ERROR_IS_FATAL ANY)
endforeach()
