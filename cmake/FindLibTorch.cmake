# LibTorch as imported targets, without the CUDA language that its own package turns on.
#
#   LibTorch::cpu    libtorch_cpu and libc10; what all code but the CUDA module links
#   LibTorch::cuda   libtorch_cuda and libc10_cuda, if they are there
#
# Looked for in CMAKE_PREFIX_PATH (a folder that holds torch/, or torch itself), then in the
# cache that packaging/bootstrap.sh fills: ${XDG_CACHE_HOME:-~/.cache}/pipebd/torch-*.

if(DEFINED ENV{XDG_CACHE_HOME})
    set(_cache $ENV{XDG_CACHE_HOME}/pipebd)
else()
    set(_cache $ENV{HOME}/.cache/pipebd)
endif()
file(GLOB _cached LIST_DIRECTORIES true ${_cache}/torch-*.*.*[0-9])

find_path(LibTorch_INCLUDE_DIR ATen/core/Tensor.h
    HINTS ${_cached}
    PATH_SUFFIXES torch/include include)
if(LibTorch_INCLUDE_DIR)
    get_filename_component(_root ${LibTorch_INCLUDE_DIR} DIRECTORY)
endif()
find_library(LibTorch_CPU_LIBRARY torch_cpu HINTS ${_root}/lib NO_DEFAULT_PATH)
find_library(LibTorch_C10_LIBRARY c10 HINTS ${_root}/lib NO_DEFAULT_PATH)
find_library(LibTorch_CUDA_LIBRARY torch_cuda HINTS ${_root}/lib NO_DEFAULT_PATH)
find_library(LibTorch_C10_CUDA_LIBRARY c10_cuda HINTS ${_root}/lib NO_DEFAULT_PATH)

if(LibTorch_INCLUDE_DIR AND EXISTS ${LibTorch_INCLUDE_DIR}/torch/headeronly/version.h)
    file(STRINGS ${LibTorch_INCLUDE_DIR}/torch/headeronly/version.h _version REGEX "TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
    string(REGEX REPLACE "[^0-9;]" "" _version "${_version}")
    string(REPLACE ";" "." LibTorch_VERSION "${_version}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
    REQUIRED_VARS LibTorch_CPU_LIBRARY LibTorch_C10_LIBRARY LibTorch_INCLUDE_DIR
    VERSION_VAR LibTorch_VERSION
    REASON_FAILURE_MESSAGE "run packaging/bootstrap.sh build, or set CMAKE_PREFIX_PATH to the folder that holds torch/")

if(LibTorch_FOUND AND NOT TARGET LibTorch::cpu)
    add_library(LibTorch::cpu INTERFACE IMPORTED)
    target_include_directories(LibTorch::cpu SYSTEM INTERFACE ${LibTorch_INCLUDE_DIR})
    target_compile_definitions(LibTorch::cpu INTERFACE AT_PER_OPERATOR_HEADERS USE_DISTRIBUTED USE_C10D_GLOO)
    target_link_libraries(LibTorch::cpu INTERFACE
        -Wl,--push-state,--no-as-needed ${LibTorch_CPU_LIBRARY} ${LibTorch_C10_LIBRARY} -Wl,--pop-state)
    if(LibTorch_CUDA_LIBRARY AND LibTorch_C10_CUDA_LIBRARY)
        add_library(LibTorch::cuda INTERFACE IMPORTED)
        target_compile_definitions(LibTorch::cuda INTERFACE USE_C10D_NCCL)
        target_link_libraries(LibTorch::cuda INTERFACE LibTorch::cpu
            -Wl,--push-state,--no-as-needed ${LibTorch_CUDA_LIBRARY} ${LibTorch_C10_CUDA_LIBRARY} -Wl,--pop-state)
    endif()
endif()
mark_as_advanced(LibTorch_INCLUDE_DIR LibTorch_CPU_LIBRARY LibTorch_C10_LIBRARY LibTorch_CUDA_LIBRARY LibTorch_C10_CUDA_LIBRARY)
