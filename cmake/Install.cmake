# Installs the engine library with its CMake package, and the two programs.
include(CMakePackageConfigHelpers)
install(EXPORT synth_model_targets NAMESPACE synth:: FILE synth_model-targets.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/synth_model COMPONENT dev)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/synth_model-config.cmake.in
  ${PROJECT_BINARY_DIR}/synth_model-config.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/synth_model)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/synth_model-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/synth_model-config.cmake
              ${PROJECT_BINARY_DIR}/synth_model-config-version.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/synth_model COMPONENT dev)
