# synth_test(NAME SOURCES file... LIBS target... LABELS label [TIMEOUT seconds] [FIXTURE name] [SERIAL])
# One GoogleTest program; each of its tests becomes a CTest test. FIXTURE: CTest's fixture that they
# require. SERIAL: no other test runs beside them, because they measure time or load all CPUs.
include(GoogleTest)
function(synth_test name)
  cmake_parse_arguments(ARG "SERIAL" "TIMEOUT;LABELS;FIXTURE" "SOURCES;LIBS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_LIBS} synth_test_files synth_test_paths GTest::gmock GTest::gtest_main synth::warnings)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST 
    PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT} RUN_SERIAL ${ARG_SERIAL}
      FIXTURES_REQUIRED "${ARG_FIXTURE}")
endfunction()
