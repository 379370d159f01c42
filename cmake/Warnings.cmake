# SPDX-License-Identifier: MIT
# Compiler flags of our own targets; nothing global, so that an embedding project keeps its own.
include(CheckCSourceCompiles)

# porthole_flags(TARGET): warnings, and the sanitizers or coverage that were asked for.
function(porthole_flags target)
    target_compile_options(${target} PRIVATE
        -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes
        -Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla -Wundef
        -Wformat=2 -Wimplicit-fallthrough -Wnull-dereference -fno-common)
    if(PORTHOLE_WERROR)
        target_compile_options(${target} PRIVATE -Werror)
    endif()
    if(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "MinSizeRel")
        target_compile_options(${target} PRIVATE -fstack-protector-strong)
        target_compile_definitions(${target} PRIVATE _FORTIFY_SOURCE=2)
    endif()
    porthole_shrink(${target})
    porthole_instrument(${target})
endfunction()

# porthole_sources(LEVEL FILE...): sources of the library that release builds compile at another
# level than CMake's -O3, which is for what runs on every request or byte. -O2 is for what runs once
# a socket of the machine, -Os for what runs once a request of the API, or only at the start.
function(porthole_sources level)
    target_sources(porthole PRIVATE ${ARGN})
    set_source_files_properties(${ARGN} TARGET_DIRECTORY porthole PROPERTIES
        COMPILE_OPTIONS "$<$<CONFIG:Release>:${level}>")
endfunction()

# porthole_shrink(TARGET): lets the linker leave out what nobody calls, and makes no tables for
# unwinding: a tenth of the size, and with -g there are those of the debugger.
function(porthole_shrink target)
    if(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "MinSizeRel")
        target_compile_options(${target} PRIVATE
            -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables)
        target_link_options(${target} PUBLIC -Wl,--gc-sections)
    endif()
endfunction()

# porthole_pack_relocations(TARGET): a program's addresses that are known only once it is loaded, as
# in tables of names, cost it a bit or two each in place of 24 bytes. glibc loads such programs
# from version 2.36 on.
function(porthole_pack_relocations target)
    if(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "MinSizeRel")
        set(flag -Wl,-z,pack-relative-relocs)
        set(CMAKE_REQUIRED_LINK_OPTIONS ${flag} -Wl,--fatal-warnings) # else only warned of
        check_c_source_compiles("
            #include <stdlib.h>
            #if !defined __GLIBC__ || __GLIBC__ != 2 || __GLIBC_MINOR__ < 36
            #error glibc does not load such programs, or it is another libc
            #endif
            int main(void) { return 0; }" PORTHOLE_PACKS_RELOCATIONS)
        if(PORTHOLE_PACKS_RELOCATIONS)
            target_link_options(${target} PRIVATE ${flag})
        endif()
    endif()
endfunction()

# porthole_instrument(TARGET): only the instrumentation; it and porthole_shrink() also do for
# sources that are not ours.
function(porthole_instrument target)
    if(PORTHOLE_SANITIZE)
        target_compile_options(${target} PRIVATE
            -fsanitize=${PORTHOLE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
        target_link_options(${target} PUBLIC -fsanitize=${PORTHOLE_SANITIZE})
    endif()
    if(PORTHOLE_COVERAGE)
        target_compile_options(${target} PRIVATE --coverage)
        target_link_options(${target} PUBLIC --coverage)
    endif()
endfunction()
