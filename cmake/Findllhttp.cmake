# SPDX-License-Identifier: MIT
# Finds llhttp and defines llhttp::llhttp: an installed package of version 9 or later, which is
# strict by default, else the C sources that Debian's node-llhttp installs, compiled strict.
#
# Version 8 decides on strictness in the first line of llhttp.c, before any include, so the
# definition has to come from the command line; src/http/parse.c refuses to compile without it.
find_package(llhttp 9 CONFIG QUIET)
if(llhttp_FOUND)
    if(NOT TARGET llhttp::llhttp)
        foreach(candidate llhttp::llhttp_static llhttp::llhttp_shared)
            if(TARGET ${candidate})
                add_library(llhttp::llhttp ALIAS ${candidate})
                break()
            endif()
        endforeach()
    endif()
    return()
endif()

find_path(LLHTTP_INCLUDE_DIR llhttp.h PATH_SUFFIXES llhttp
          PATHS /usr/share/include /usr/include /usr/local/include)
find_path(LLHTTP_SOURCE_DIR llhttp.c PATHS /usr/share/llhttp /usr/local/share/llhttp)
mark_as_advanced(LLHTTP_INCLUDE_DIR LLHTTP_SOURCE_DIR)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(llhttp
    REQUIRED_VARS LLHTTP_SOURCE_DIR LLHTTP_INCLUDE_DIR
    REASON_FAILURE_MESSAGE "On Debian: apt-get install node-llhttp")

if(llhttp_FOUND AND NOT TARGET llhttp::llhttp)
    add_library(llhttp_strict STATIC
        ${LLHTTP_SOURCE_DIR}/api.c ${LLHTTP_SOURCE_DIR}/http.c ${LLHTTP_SOURCE_DIR}/llhttp.c)
    target_include_directories(llhttp_strict SYSTEM PUBLIC ${LLHTTP_INCLUDE_DIR})
    target_compile_definitions(llhttp_strict PUBLIC LLHTTP_STRICT_MODE=1)
    set_target_properties(llhttp_strict PROPERTIES
        C_VISIBILITY_PRESET hidden POSITION_INDEPENDENT_CODE ON)
    porthole_shrink(llhttp_strict)
    porthole_instrument(llhttp_strict)
    # llhttp has a faster way through long fields for processors with SSE 4.2. Compiled a second
    # time, with all its names hidden but one, it can be chosen when the program runs. What libFuzzer
    # adds puts functions into groups, whose names objcopy cannot keep.
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64" AND CMAKE_OBJCOPY AND
       NOT CMAKE_BUILD_TYPE STREQUAL "MinSizeRel" AND NOT PORTHOLE_FUZZ)
        add_library(llhttp_sse42 OBJECT ${LLHTTP_SOURCE_DIR}/llhttp.c)
        target_include_directories(llhttp_sse42 SYSTEM PRIVATE ${LLHTTP_INCLUDE_DIR})
        target_compile_definitions(llhttp_sse42 PRIVATE LLHTTP_STRICT_MODE=1)
        target_compile_options(llhttp_sse42 PRIVATE -msse4.2 -fno-lto) # objcopy wants machine code
        set_target_properties(llhttp_sse42 PROPERTIES POSITION_INDEPENDENT_CODE ON)
        porthole_instrument(llhttp_sse42)
        set(object ${CMAKE_CURRENT_BINARY_DIR}/llhttp_sse42.o)
        add_custom_command(OUTPUT ${object}
            COMMAND ${CMAKE_OBJCOPY}
                --redefine-sym llhttp__internal_execute=ph__llhttp_execute_sse42
                --keep-global-symbol=ph__llhttp_execute_sse42
                $<TARGET_OBJECTS:llhttp_sse42> ${object}
            DEPENDS llhttp_sse42 $<TARGET_OBJECTS:llhttp_sse42>
            VERBATIM)
        set_source_files_properties(${object} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
        target_sources(llhttp_strict PRIVATE ${object})
        target_compile_definitions(llhttp_strict PUBLIC PH__LLHTTP_SSE42=1)
    endif()
    add_library(llhttp::llhttp ALIAS llhttp_strict)
endif()
