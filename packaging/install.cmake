# What is installed beside the programs, so that a desktop finds the workbench and `man` explains all three.

set(_app io.github.pipebd.Workbench)
set(_from ${PROJECT_SOURCE_DIR}/packaging)

if(PIPEBD_GUI)
    install(FILES ${_from}/freedesktop/${_app}.desktop DESTINATION ${CMAKE_INSTALL_DATADIR}/applications)
    install(FILES ${_from}/freedesktop/${_app}.metainfo.xml DESTINATION ${CMAKE_INSTALL_DATADIR}/metainfo)
    install(FILES ${_from}/freedesktop/${_app}.xml DESTINATION ${CMAKE_INSTALL_DATADIR}/mime/packages)
    install(FILES ${PROJECT_SOURCE_DIR}/resources/icons/pipebd-workbench.svg
        DESTINATION ${CMAKE_INSTALL_DATADIR}/icons/hicolor/scalable/apps RENAME ${_app}.svg)
    foreach(size 16 24 32 48 64 128 256)
        install(FILES ${_from}/icons/${size}.png
            DESTINATION ${CMAKE_INSTALL_DATADIR}/icons/hicolor/${size}x${size}/apps RENAME ${_app}.png)
    endforeach()
    install(FILES ${_from}/man/pipebd-workbench.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()
install(FILES ${_from}/man/pipebd.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
if(PIPEBD_ENGINE)
    install(FILES ${_from}/man/pipebd-engine.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
