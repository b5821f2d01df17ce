# Installs the libraries with their CMake packages: synth_model and, where it is built, synth_client. The targets,
# headers and programs are installed beside the targets.
include(CMakePackageConfigHelpers)

function(synth_install_package name)
  install(EXPORT ${name}_targets NAMESPACE synth:: FILE ${name}-targets.cmake
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/${name} COMPONENT dev)
  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/${name}-config.cmake.in
    ${PROJECT_BINARY_DIR}/${name}-config.cmake
    INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/${name})
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/${name}-config-version.cmake
    COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/${name}-config.cmake
                ${PROJECT_BINARY_DIR}/${name}-config-version.cmake
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/${name} COMPONENT dev)
endfunction()

# No package of its own: the other packages include it.
install(EXPORT synth_utf8_targets NAMESPACE synth:: FILE synth_utf8-targets.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/synth_utf8 COMPONENT dev)
synth_install_package(synth_model)
if(SYNTH_BUILD_SERVER)
  synth_install_package(synth_client)
  # The component `static` of synth_client.
  install(FILES ${PROJECT_SOURCE_DIR}/cmake/StaticRpc.cmake
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/synth_client COMPONENT dev)
endif()
