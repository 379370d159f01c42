# SPDX-License-Identifier: MIT
# What cmake --install puts where. The program is there only when it is built.
install(TARGETS porthole ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET llhttp_strict)
    # There is no llhttp package to link with: the archive needs the one that was compiled here.
    install(TARGETS llhttp_strict ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
install(FILES
    include/porthole/access_log.h include/porthole/error.h include/porthole/files.h
    include/porthole/form.h include/porthole/guard.h include/porthole/http.h
    include/porthole/json.h include/porthole/porthole.h include/porthole/server.h include/porthole/stream.h
    include/porthole/systemd.h
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/porthole)
install(FILES docs/man/libporthole.3 DESTINATION ${CMAKE_INSTALL_MANDIR}/man3)
if(PORTHOLE_STATUS)
    install(FILES include/porthole/counters.h include/porthole/details.h include/porthole/doctor.h
        include/porthole/probe.h include/porthole/sockets.h include/porthole/status.h
        include/porthole/watch.h
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/porthole)
endif()
if(TARGET porthole_tls)
    install(TARGETS porthole_tls ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
    install(FILES include/porthole/tls.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/porthole)
endif()
if(TARGET porthole_websocket)
    install(TARGETS porthole_websocket ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
    install(FILES include/porthole/websocket.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/porthole)
endif()
if(TARGET porthole_program)
    install(TARGETS porthole_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    install(FILES docs/man/porthole.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()

# For those who build with it: find_package(porthole) and pkg-config. The library is an archive, so
# whoever links with it needs what it uses, too.
set(PORTHOLE_LIBRARIES "")
if(TARGET llhttp_strict)
    list(APPEND PORTHOLE_LIBRARIES llhttp_strict)
else()
    list(APPEND PORTHOLE_LIBRARIES llhttp)
endif()
if(TARGET liburing::liburing)
    list(APPEND PORTHOLE_LIBRARIES uring)
endif()
if(PORTHOLE_STATUS)
    list(APPEND PORTHOLE_LIBRARIES cjson)
    if(TARGET ZLIB::ZLIB)
        list(APPEND PORTHOLE_LIBRARIES z)
    endif()
endif()
list(TRANSFORM PORTHOLE_LIBRARIES PREPEND "-l" OUTPUT_VARIABLE PORTHOLE_LINK_FLAGS)
list(JOIN PORTHOLE_LINK_FLAGS " " PORTHOLE_LINK_FLAGS)

include(CMakePackageConfigHelpers)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/porthole)
configure_package_config_file(cmake/porthole-config.cmake.in
    "${CMAKE_CURRENT_BINARY_DIR}/porthole-config.cmake"
    INSTALL_DESTINATION ${package_folder}
    PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/porthole-config-version.cmake"
    COMPATIBILITY SameMinorVersion)
install(FILES
    "${CMAKE_CURRENT_BINARY_DIR}/porthole-config.cmake"
    "${CMAKE_CURRENT_BINARY_DIR}/porthole-config-version.cmake"
    DESTINATION ${package_folder})
# Written when it is installed, since only then the prefix is known for good.
set(PORTHOLE_PACKAGES porthole)
if(TARGET porthole_tls)
    string(APPEND PORTHOLE_PACKAGES " porthole-tls")
endif()
if(TARGET porthole_websocket)
    string(APPEND PORTHOLE_PACKAGES " porthole-websocket")
endif()
set(pc_script "${CMAKE_CURRENT_BINARY_DIR}/install-pc.cmake")
configure_file(cmake/install-pc.cmake.in "${pc_script}" @ONLY)
install(SCRIPT "${pc_script}")
