# SPDX-License-Identifier: MIT
# porthole_embed_files(TARGET [GZIP] FILE...): compiles files into a target.
#
# For each file the generated embedded.c holds its bytes, with GZIP compressed where that makes
# them fewer; a table, ph__embedded_files, lists name, content and sizes. Run as a script
# (cmake -P) it writes that source.

if(CMAKE_SCRIPT_MODE_FILE)
    # Sets HEX to a gzip of a file, the same for the same content: without a name, which CMake leaves
    # out, and without the time, which is bytes 4 to 7 (RFC 1952).
    function(read_gzip file hex)
        file(ARCHIVE_CREATE OUTPUT "${OUTPUT}.gz" PATHS "${file}"
            FORMAT raw COMPRESSION GZip COMPRESSION_LEVEL 9)
        file(READ "${OUTPUT}.gz" bytes HEX)
        file(REMOVE "${OUTPUT}.gz")
        string(SUBSTRING "${bytes}" 0 8 magic)
        string(SUBSTRING "${bytes}" 16 -1 rest)
        set(${hex} "${magic}00000000${rest}" PARENT_SCOPE)
    endfunction()

    function(count_bytes hex count)
        string(LENGTH "${hex}" digits)
        math(EXPR bytes "${digits} / 2")
        set(${count} ${bytes} PARENT_SCOPE)
    endfunction()

    set(arrays "")
    set(rows "")
    set(number 0)
    foreach(file IN LISTS FILES)
        get_filename_component(name "${file}" NAME)
        file(READ "${file}" hex HEX)
        count_bytes("${hex}" size)
        set(inflated_size 0)
        if(GZIP)
            read_gzip("${file}" gzip)
            count_bytes("${gzip}" gzip_size)
            if(gzip_size LESS size)
                set(hex "${gzip}")
                set(inflated_size ${size})
                set(size ${gzip_size})
            endif()
        endif()
        string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
        string(REGEX REPLACE "(................................................................................)"
               "\\1\n    " bytes "${bytes}")
        string(APPEND arrays "static const unsigned char file_${number}[] = {\n    ${bytes}0};\n\n")
        string(APPEND rows "    {\"${name}\", file_${number}, ${size}, ${inflated_size}},\n")
        math(EXPR number "${number} + 1")
    endforeach()
    file(WRITE "${OUTPUT}"
        "/* Generated from www/ by cmake/EmbedFiles.cmake. */\n#include \"status/embedded.h\"\n\n"
        "${arrays}const struct ph__embedded_file ph__embedded_files[] = {\n${rows}"
        "    {0, 0, 0, 0},\n};\n" # C has no empty arrays
        "const size_t ph__embedded_file_count = ${number};\n")
    return()
endif()

set(PORTHOLE_EMBED_SCRIPT "${CMAKE_CURRENT_LIST_FILE}")

function(porthole_embed_files target)
    cmake_parse_arguments(arg "GZIP" "" "" ${ARGN})
    set(output "${CMAKE_CURRENT_BINARY_DIR}/embedded.c")
    string(REPLACE ";" "$<SEMICOLON>" files "${arg_UNPARSED_ARGUMENTS}")
    add_custom_command(OUTPUT "${output}"
        COMMAND "${CMAKE_COMMAND}" "-DFILES=${files}" "-DOUTPUT=${output}" "-DGZIP=${arg_GZIP}"
                -P "${PORTHOLE_EMBED_SCRIPT}"
        DEPENDS ${arg_UNPARSED_ARGUMENTS} "${PORTHOLE_EMBED_SCRIPT}"
        COMMENT "Embedding the page" VERBATIM)
    # The target may belong to another directory, whose build does not know this one's commands.
    add_custom_target(${target}_embed DEPENDS "${output}")
    add_dependencies(${target} ${target}_embed)
    target_sources(${target} PRIVATE "${output}")
endfunction()
