# What every target of the project has in common. Targets only, nothing directory-wide.

include(GNUInstallDirs)

set(PIPEBD_BIN_DIR ${PROJECT_BINARY_DIR}/bin)

find_program(PIPEBD_CCACHE ccache)

function(pipebd_common target)
    target_compile_features(${target} PUBLIC cxx_std_20)
    set_target_properties(${target} PROPERTIES
        CXX_EXTENSIONS OFF
        POSITION_INDEPENDENT_CODE ON
        UNITY_BUILD OFF # but for what pipebd_join_rooms names
        RUNTIME_OUTPUT_DIRECTORY ${PIPEBD_BIN_DIR}
        LIBRARY_OUTPUT_DIRECTORY ${PIPEBD_BIN_DIR})
    if(PIPEBD_CCACHE)
        set_target_properties(${target} PROPERTIES CXX_COMPILER_LAUNCHER ${PIPEBD_CCACHE})
    endif()
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow=local -Wnon-virtual-dtor)
    if(PIPEBD_WERROR)
        target_compile_options(${target} PRIVATE -Werror)
    endif()
    if(PIPEBD_SANITIZE)
        target_compile_options(${target} PRIVATE -fsanitize=${PIPEBD_SANITIZE} -fno-omit-frame-pointer)
        target_link_options(${target} PRIVATE -fsanitize=${PIPEBD_SANITIZE})
    endif()
endfunction()

# With CMAKE_UNITY_BUILD, as the preset "release" has it, the files of a room (those in one folder) are compiled as one: a room's
# headers are then read once. So no two files of a room may give different things one name, not even in unnamed namespaces.
# A file with definitions or include directories of its own is left out: SKIP_UNITY_BUILD_INCLUSION.
function(pipebd_join_rooms target)
    if(CMAKE_UNITY_BUILD)
        set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
        # It warns of types in unnamed namespaces outside the main file, as if that were a header.
        target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
    endif()
    get_target_property(_sources ${target} SOURCES)
    foreach(_source IN LISTS _sources)
        get_filename_component(_room "${_source}" DIRECTORY)
        if(NOT _room)
            set(_room ${target})
        endif()
        set_source_files_properties(${_source} PROPERTIES UNITY_GROUP ${_room})
    endforeach()
endfunction()

# pipebd_library(NAME SOURCES...): the library of one folder, with the alias pipebd::NAME.
# Its headers are included as "NAME/header.h", from the folder above.
function(pipebd_library name)
    add_library(pipebd_${name} STATIC ${ARGN})
    add_library(pipebd::${name} ALIAS pipebd_${name})
    target_include_directories(pipebd_${name} PUBLIC ${PROJECT_SOURCE_DIR}/core)
    pipebd_common(pipebd_${name})
    pipebd_join_rooms(pipebd_${name})
endfunction()

# pipebd_program(NAME SOURCES...): an executable in build/bin.
function(pipebd_program name)
    add_executable(${name} ${ARGN})
    pipebd_common(${name})
    pipebd_join_rooms(${name})
    install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()
