# SPDX-License-Identifier: MIT
# What cmake --install puts where. The program is there only when it is built.
install(TARGETS porthole ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET llhttp_strict)
    # There is no llhttp package to link with: the archive needs the one that was compiled here.
    install(TARGETS llhttp_strict ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
install(FILES
    include/porthole/error.h include/porthole/http.h include/porthole/porthole.h
    include/porthole/server.h
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/porthole)
install(FILES docs/man/libporthole.3 DESTINATION ${CMAKE_INSTALL_MANDIR}/man3)
if(PORTHOLE_STATUS)
    install(FILES include/porthole/doctor.h include/porthole/sockets.h
        include/porthole/status.h
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/porthole)
endif()
if(TARGET porthole_program)
    install(TARGETS porthole_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    install(FILES docs/man/porthole.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()
