# SPDX-License-Identifier: MIT
# porthole_embed_files(TARGET HEADER_PREFIX FILE...): compiles files into a target.
#
# For each file the generated embedded.c holds its bytes; a table, ph__embedded_files, lists name,
# content and size. Run as a script (cmake -P) it writes that source.

if(CMAKE_SCRIPT_MODE_FILE)
    set(arrays "")
    set(rows "")
    set(number 0)
    foreach(file IN LISTS FILES)
        get_filename_component(name "${file}" NAME)
        file(READ "${file}" hex HEX)
        string(LENGTH "${hex}" digits)
        math(EXPR size "${digits} / 2")
        string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
        string(REGEX REPLACE "(................................................................................)"
               "\\1\n    " bytes "${bytes}")
        string(APPEND arrays "static const unsigned char file_${number}[] = {\n    ${bytes}0};\n\n")
        string(APPEND rows "    {\"${name}\", file_${number}, ${size}},\n")
        math(EXPR number "${number} + 1")
    endforeach()
    file(WRITE "${OUTPUT}"
        "/* Generated from www/ by cmake/EmbedFiles.cmake. */\n#include \"status/embedded.h\"\n\n"
        "${arrays}const struct ph__embedded_file ph__embedded_files[] = {\n${rows}"
        "    {0, 0, 0},\n};\n" # C has no empty arrays
        "const size_t ph__embedded_file_count = ${number};\n")
    return()
endif()

set(PORTHOLE_EMBED_SCRIPT "${CMAKE_CURRENT_LIST_FILE}")

function(porthole_embed_files target)
    set(output "${CMAKE_CURRENT_BINARY_DIR}/embedded.c")
    string(REPLACE ";" "$<SEMICOLON>" files "${ARGN}")
    add_custom_command(OUTPUT "${output}"
        COMMAND "${CMAKE_COMMAND}" "-DFILES=${files}" "-DOUTPUT=${output}"
                -P "${PORTHOLE_EMBED_SCRIPT}"
        DEPENDS ${ARGN} "${PORTHOLE_EMBED_SCRIPT}"
        COMMENT "Embedding the page" VERBATIM)
    # The target may belong to another directory, whose build does not know this one's commands.
    add_custom_target(${target}_embed DEPENDS "${output}")
    add_dependencies(${target} ${target}_embed)
    target_sources(${target} PRIVATE "${output}")
endfunction()
