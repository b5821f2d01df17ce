# Compiles through ccache if it is installed; -DCMAKE_CXX_COMPILER_LAUNCHER= turns that off. The
# cache lies outside of the checkout (CCACHE_DIR, by default ~/.cache/ccache). Paths below the
# checkout are hashed relative to the build folder and the build folder itself is not hashed, so a
# fresh clone in another folder finds what this one compiled. Variables of ccache that are set in
# the environment of the configure step are left as they are.
if(NOT PROJECT_IS_TOP_LEVEL OR DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  return()
endif()
find_program(SYNTH_CCACHE ccache)
mark_as_advanced(SYNTH_CCACHE)
if(NOT SYNTH_CCACHE)
  return()
endif()
set(settings)
foreach(setting BASEDIR=${PROJECT_SOURCE_DIR} NOHASHDIR=1 SLOPPINESS=include_file_ctime,include_file_mtime)
  string(REGEX REPLACE "=.*" "" name ${setting})
  if(NOT DEFINED ENV{CCACHE_${name}})
    list(APPEND settings CCACHE_${setting})
  endif()
endforeach()
set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env ${settings} ${SYNTH_CCACHE})
