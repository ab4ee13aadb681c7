# The installed tree can be moved anywhere: nothing in it holds an absolute path.
#   bin/pea  lib/libpea.a (or .so)  include/pea  lib/pkgconfig/pea.pc  lib/cmake/pea  share/pea/models
include(CMakePackageConfigHelpers)

install(TARGETS pea EXPORT peaTargets)
if(TARGET pea_command)
  file(RELATIVE_PATH libraries /${CMAKE_INSTALL_BINDIR} /${CMAKE_INSTALL_LIBDIR})
  set_target_properties(pea_command PROPERTIES INSTALL_RPATH "$ORIGIN/${libraries}")
  install(TARGETS pea_command)
endif()
install(DIRECTORY native/include/pea DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
file(GLOB models CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/models/*.safetensors ${PROJECT_SOURCE_DIR}/models/*.json
     ${PROJECT_SOURCE_DIR}/models/*.md) # not the folders, which say how they were made
install(FILES ${models} DESTINATION ${CMAKE_INSTALL_DATADIR}/pea/models)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# pkg-config. A static library's users link what it needs; a shared one's do not.
file(RELATIVE_PATH PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" PC_PREFIX "${PC_PREFIX}")
set(PC_PRIVATE "")
set(PC_SYSTEM_LIBS "-lm -pthread")
if(BUILD_SHARED_LIBS)
  set(PC_PRIVATE .private)
  set(PC_SYSTEM_LIBS "\nLibs.private: ${PC_SYSTEM_LIBS}")
endif()
configure_file(cmake/pea.pc.in pea.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/pea.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# CMake: find_package(pea) gives the target pea::pea.
set(packages ${CMAKE_INSTALL_LIBDIR}/cmake/pea)
configure_package_config_file(cmake/peaConfig.cmake.in peaConfig.cmake INSTALL_DESTINATION ${packages})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/peaConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(EXPORT peaTargets NAMESPACE pea:: DESTINATION ${packages})
install(FILES ${PROJECT_BINARY_DIR}/peaConfig.cmake ${PROJECT_BINARY_DIR}/peaConfigVersion.cmake DESTINATION ${packages})
