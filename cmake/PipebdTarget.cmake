# What every target of the project has in common. Targets only, nothing directory-wide.

include(GNUInstallDirs)

set(PIPEBD_BIN_DIR ${PROJECT_BINARY_DIR}/bin)

find_program(PIPEBD_CCACHE ccache)

function(pipebd_common target)
    target_compile_features(${target} PUBLIC cxx_std_20)
    set_target_properties(${target} PROPERTIES
        CXX_EXTENSIONS OFF
        POSITION_INDEPENDENT_CODE ON
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

# pipebd_library(NAME SOURCES...): the library of one folder, with the alias pipebd::NAME.
# Its headers are included as "NAME/header.h", from the folder above.
function(pipebd_library name)
    add_library(pipebd_${name} STATIC ${ARGN})
    add_library(pipebd::${name} ALIAS pipebd_${name})
    target_include_directories(pipebd_${name} PUBLIC ${PROJECT_SOURCE_DIR}/core)
    pipebd_common(pipebd_${name})
endfunction()

# pipebd_program(NAME SOURCES...): an executable in build/bin.
function(pipebd_program name)
    add_executable(${name} ${ARGN})
    pipebd_common(${name})
    install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()
