# Fails if PROGRAM takes a Protobuf symbol from a shared library, or offers one to them (see cmake/StaticRpc.cmake).
execute_process(COMMAND nm --dynamic --demangle ${PROGRAM} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]*google::protobuf[^\n]*" found "${symbols}")
if(found)
  list(JOIN found "\n" found)
  message(FATAL_ERROR "${PROGRAM} shares Protobuf symbols with libsentencepiece:\n${found}")
endif()
