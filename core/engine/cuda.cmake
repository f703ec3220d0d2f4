# The module pipebd-cuda: built where LibTorch has its CUDA part and the headers of CUDA and NCCL are found, in the packages beside
# LibTorch or in a CUDA toolkit.

get_filename_component(_site ${LibTorch_INCLUDE_DIR}/../.. ABSOLUTE)
set(_nvidia ${_site}/nvidia)
find_path(PIPEBD_CUDA_INCLUDE cublas_v2.h HINTS ${_nvidia}/cu13/include $ENV{CUDA_HOME}/include /usr/local/cuda/include)
find_path(PIPEBD_NCCL_INCLUDE nccl.h HINTS ${_nvidia}/nccl/include $ENV{CUDA_HOME}/include /usr/local/cuda/include)
find_library(PIPEBD_CUDART NAMES cudart libcudart.so.13
    HINTS ${_nvidia}/cu13/lib $ENV{CUDA_HOME}/lib64 /usr/local/cuda/lib64)
mark_as_advanced(PIPEBD_CUDA_INCLUDE PIPEBD_NCCL_INCLUDE PIPEBD_CUDART)

# Of another major version, or without the headers that CUDA's own include, they are as good as not there.
set(_usable TRUE)
if(PIPEBD_CUDA_INCLUDE)
    foreach(_header cuda_runtime_api.h crt/host_defines.h nv/target)
        if(NOT EXISTS ${PIPEBD_CUDA_INCLUDE}/${_header} AND NOT EXISTS ${PIPEBD_CUDA_INCLUDE}/cccl/${_header})
            set(_usable FALSE)
        endif()
    endforeach()
    if(_usable)
        file(STRINGS ${PIPEBD_CUDA_INCLUDE}/cuda_runtime_api.h _cudart REGEX "define CUDART_VERSION +13")
        if(NOT _cudart)
            set(_usable FALSE)
        endif()
    endif()
endif()

if(NOT TARGET LibTorch::cuda OR NOT PIPEBD_CUDA_INCLUDE OR NOT PIPEBD_NCCL_INCLUDE OR NOT PIPEBD_CUDART OR NOT _usable)
    if(PIPEBD_CUDA STREQUAL "ON")
        message(FATAL_ERROR "PIPEBD_CUDA is ON, but LibTorch's CUDA part or the headers of CUDA 13 and NCCL were not found")
    endif()
    message(STATUS "Without the CUDA module: the headers of CUDA 13 or NCCL were not found")
    return()
endif()

add_library(pipebd-cuda MODULE
    device/cuda_backend.cpp
    transport/c10d_errors.cpp
    transport/c10d_transport.cpp
    transport/cuda_slots.cpp
    transport/errands.cpp
    transport/ipc_transport.cpp
    transport/open_rings.cpp
    transport/peer_progress.cpp
    transport/run_clock.cpp
    transport/shared_words.cpp
    transport/slot_queues.cpp
    transport/slot_ring.cpp
    transport/store_meeting.cpp
    transport/transport.cpp)
pipebd_common(pipebd-cuda)
pipebd_join_rooms(pipebd-cuda)
set_target_properties(pipebd-cuda PROPERTIES PREFIX "lib" CXX_VISIBILITY_PRESET hidden)
target_include_directories(pipebd-cuda PRIVATE ${PROJECT_SOURCE_DIR}/core)
target_include_directories(pipebd-cuda SYSTEM PRIVATE
    ${LibTorch_INCLUDE_DIR} ${LibTorch_INCLUDE_DIR}/torch/csrc/api/include
    ${PIPEBD_CUDA_INCLUDE} ${PIPEBD_CUDA_INCLUDE}/cccl ${PIPEBD_NCCL_INCLUDE})
# What the libraries of LibTorch::cuda need in turn is found beside them at run time, not at link time.
target_link_options(pipebd-cuda PRIVATE -Wl,--unresolved-symbols=ignore-in-shared-libs)
target_link_libraries(pipebd-cuda PRIVATE pipebd::base pipebd::experiment LibTorch::cuda ${PIPEBD_CUDART})
install(TARGETS pipebd-cuda LIBRARY DESTINATION ${CMAKE_INSTALL_BINDIR})
