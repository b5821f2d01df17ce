# Fails if one of OBJECTS, each compiled for one instruction set, defines a symbol that the linker may merge with
# another file's of the same name: the copy it keeps could have instructions that the machine lacks.
foreach(object IN LISTS OBJECTS)
  execute_process(COMMAND ${NM} --demangle ${object} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[0-9a-f]+ [WVu] [^\n]*" found "${symbols}")
  list(FILTER found EXCLUDE REGEX " V DW\\.ref\\.")
  if(found)
    list(JOIN found "\n" found)
    message(FATAL_ERROR "${object} defines what the linker may merge:\n${found}")
  endif()
endforeach()
