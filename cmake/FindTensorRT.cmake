# SPDX-License-Identifier: MIT
# Finds TensorRT: headers, libnvinfer and libnvonnxparser. Searched are TensorRT_ROOT (variable or environment), TENSORRT_DIR, TRT_LIBPATH, and where packages of
# Debian, Ubuntu and JetPack put them.
#
# TensorRT_FOUND, TensorRT_VERSION (major.minor.patch), targets TensorRT::nvinfer and TensorRT::nvonnxparser.
set(TensorRT_HINTS ${TensorRT_ROOT} $ENV{TensorRT_ROOT} $ENV{TENSORRT_ROOT} $ENV{TENSORRT_DIR} $ENV{TRT_LIBPATH} $ENV{TRT_LIBPATH}/..)

find_path(TensorRT_INCLUDE_DIR NvInfer.h HINTS ${TensorRT_HINTS} PATHS /usr/local/tensorrt PATH_SUFFIXES include)
foreach(name nvinfer nvonnxparser)
  find_library(TensorRT_${name}_LIBRARY ${name} HINTS ${TensorRT_HINTS} PATHS /usr/local/tensorrt PATH_SUFFIXES lib lib64)
endforeach()
# Its header is in a package of its own.
find_path(TensorRT_PARSER_INCLUDE_DIR NvOnnxParser.h HINTS ${TensorRT_HINTS} ${TensorRT_INCLUDE_DIR} PATHS /usr/local/tensorrt PATH_SUFFIXES include)

# Up to 10.12 the version is NV_TENSORRT_MAJOR itself, from 10.13 on that names TRT_MAJOR_ENTERPRISE.
set(TensorRT_VERSION "")
if(TensorRT_INCLUDE_DIR AND EXISTS ${TensorRT_INCLUDE_DIR}/NvInferVersion.h)
  file(STRINGS ${TensorRT_INCLUDE_DIR}/NvInferVersion.h TensorRT_LINES REGEX "^#define (NV_TENSORRT|TRT)_(MAJOR|MINOR|PATCH)")
  foreach(part MAJOR MINOR PATCH)
    string(REGEX MATCH "#define (NV_TENSORRT_${part}|TRT_${part}_ENTERPRISE)[ \t]+([0-9]+)" TensorRT_MATCH "${TensorRT_LINES}")
    list(APPEND TensorRT_VERSION "${CMAKE_MATCH_2}")
  endforeach()
  list(JOIN TensorRT_VERSION "." TensorRT_VERSION)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(TensorRT
  REQUIRED_VARS TensorRT_nvinfer_LIBRARY TensorRT_nvonnxparser_LIBRARY TensorRT_INCLUDE_DIR TensorRT_PARSER_INCLUDE_DIR
  VERSION_VAR TensorRT_VERSION)
mark_as_advanced(TensorRT_INCLUDE_DIR TensorRT_PARSER_INCLUDE_DIR TensorRT_nvinfer_LIBRARY TensorRT_nvonnxparser_LIBRARY)

if(TensorRT_FOUND)
  foreach(name nvinfer nvonnxparser)
    if(NOT TARGET TensorRT::${name})
      add_library(TensorRT::${name} SHARED IMPORTED)
      # As system headers: they use their own deprecated symbols.
      set_target_properties(TensorRT::${name} PROPERTIES
        IMPORTED_LOCATION ${TensorRT_${name}_LIBRARY}
        INTERFACE_INCLUDE_DIRECTORIES "${TensorRT_INCLUDE_DIR};${TensorRT_PARSER_INCLUDE_DIR}")
    endif()
  endforeach()
endif()
