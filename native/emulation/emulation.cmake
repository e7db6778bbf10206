# The sources of native/cuda with the C++ compiler, in front of whose include path the emulation stands (docs/decisions/0006-cuda-kernels-run-on-the-cpu-in-tests.md).
set(QPVO_EMULATION_FOLDER ${CMAKE_CURRENT_LIST_DIR})
file(GLOB QPVO_EMULATION_SOURCES CONFIGURE_DEPENDS ${QPVO_EMULATION_FOLDER}/*.cpp)

# Without contraction to fused multiply-add, so that intrinsics such as __fmul_rn are what they say; bits are read through pointers of other types, as nvcc allows.
# What is compiled here runs here; without -march=native every fmaf would be a call.
set(QPVO_EMULATION_FLAGS -O1 -ffp-contract=off -fno-strict-aliasing -Wall -Wextra -Wno-unknown-pragmas -Wno-psabi)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64" AND NOT CMAKE_CROSSCOMPILING)
  list(APPEND QPVO_EMULATION_FLAGS -march=native)
endif()
if(QPVO_EMULATION_SANITIZE)
  list(APPEND QPVO_EMULATION_FLAGS -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()

# For .cu files, of this folder's list and of the caller's.
function(qpvo_compile_as_cxx)
  foreach(source IN LISTS ARGN)
    if(source MATCHES "\\.cu$")
      set_source_files_properties(${source} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "-x;c++")
    endif()
  endforeach()
endfunction()

qpvo_compile_as_cxx(${QPVO_CUDA_SOURCES})
add_library(qpvo_cuda STATIC ${QPVO_CUDA_SOURCES} ${QPVO_EMULATION_SOURCES})
target_include_directories(qpvo_cuda BEFORE PUBLIC ${QPVO_EMULATION_FOLDER}/include)
target_include_directories(qpvo_cuda PRIVATE ${QPVO_EMULATION_FOLDER})
qpvo_cuda_target(qpvo_cuda)
target_compile_definitions(qpvo_cuda PUBLIC QPVO_CUDA_EMULATION)
target_compile_options(qpvo_cuda PRIVATE ${QPVO_EMULATION_FLAGS})
target_link_libraries(qpvo_cuda PUBLIC qpvo_cpu)

# Whether the emulation sees what it must see.
file(GLOB QPVO_EMULATION_TESTS CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/test/native/emulation/*.cpp)
if(QPVO_EMULATION_TESTS)
  add_executable(qpvo_emulation_test EXCLUDE_FROM_ALL ${QPVO_EMULATION_TESTS})
  target_compile_options(qpvo_emulation_test PRIVATE ${QPVO_EMULATION_FLAGS})
  target_link_libraries(qpvo_emulation_test PRIVATE qpvo_cuda)
endif()
