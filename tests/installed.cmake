# Installs the libraries of BUILD into an empty FOLDER/prefix, and builds the project SAMPLE against that, as somebody
# who has no more than what is installed. COMPILER, LAUNCHER, GENERATOR and CONFIG are those of BUILD.
foreach(name BUILD FOLDER SAMPLE COMPILER GENERATOR CONFIG)
  if(NOT ${name})
    message(FATAL_ERROR "installed.cmake: expected -D${name}=..., found none")
  endif()
endforeach()

# What an earlier run left would hide that a file is no longer installed.
file(REMOVE_RECURSE ${FOLDER})
unset(ENV{DESTDIR})
unset(ENV{CMAKE_INSTALL_MODE})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --component dev --prefix ${FOLDER}/prefix --config ${CONFIG}
  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} -S ${SAMPLE} -B ${FOLDER}/build -G ${GENERATOR}
    -DCMAKE_PREFIX_PATH=${FOLDER}/prefix -DCMAKE_BUILD_TYPE=${CONFIG}
    -DCMAKE_CXX_COMPILER=${COMPILER} "-DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}"
  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --build ${FOLDER}/build --config ${CONFIG} COMMAND_ERROR_IS_FATAL ANY)
