# Links gRPC and Protobuf statically and keeps their symbols out of the programs' dynamic symbol
# tables; CMakeLists.txt hides those of our own code.
#
# Debian's libsentencepiece.so carries and exports a Protobuf of its own, an older one. With both libraries
# shared, the dynamic linker binds each one's calls to whichever Protobuf was loaded first, and the program
# crashes before main. Linked like this, each side sees only its own. tests/symbols.cmake checks it.
# Installed too, as the component `static` of the package synth_client.
set(Protobuf_USE_STATIC_LIBS ON)
find_package(Protobuf REQUIRED)
find_package(gRPC REQUIRED CONFIG)

foreach(library grpc++ grpc++_reflection grpc gpr upb address_sorting)
  find_library(SYNTH_STATIC_${library} NAMES lib${library}.a REQUIRED)
  mark_as_advanced(SYNTH_STATIC_${library})
  get_target_property(configurations gRPC::${library} IMPORTED_CONFIGURATIONS)
  foreach(configuration ${configurations})
    set_target_properties(gRPC::${library} PROPERTIES IMPORTED_LOCATION_${configuration} ${SYNTH_STATIC_${library}})
  endforeach()
endforeach()

# The linker takes a symbol from the first library that has it: SentencePiece must come behind Protobuf.
set_property(TARGET protobuf::libprotobuf APPEND PROPERTY INTERFACE_LINK_LIBRARIES sentencepiece)
add_link_options(LINKER:--as-needed)

# The archives by name. ALL would also hide the sanitizers' runtime, which clang links as an archive: the shared
# libraries would then call the C library past its interceptors, and the program crashes.
set(SYNTH_HIDDEN_ARCHIVES libprotobuf.a libgrpc++.a libgrpc++_reflection.a libgrpc.a libgpr.a libupb.a libaddress_sorting.a
  libsynth_proto.a libsynth_health_proto.a)
list(JOIN SYNTH_HIDDEN_ARCHIVES ":" SYNTH_HIDDEN_ARCHIVES)
add_link_options("LINKER:--exclude-libs,${SYNTH_HIDDEN_ARCHIVES}")
