# LibTorch: TORCH_INCLUDE_DIRS and TORCH_LIBRARIES, when it is found (Torch_FOUND).
#
# Its own CMake files ask for all of the CUDA toolkit, which a machine that runs a Python wheel of
# PyTorch need not have. WINNOW_TORCH_ROOT names the folder of LibTorch's include/ and lib/ instead;
# of a wheel: python3 -c 'import torch; print(torch.__path__[0])'.
set(WINNOW_TORCH_ROOT "" CACHE PATH "Folder with LibTorch's include/ and lib/; empty: its CMake files")

if(NOT WINNOW_TORCH_ROOT)
  find_package(Torch QUIET)
  return()
endif()

find_path(torch_headers torch/script.h PATHS ${WINNOW_TORCH_ROOT}/include
          NO_CACHE NO_DEFAULT_PATH REQUIRED)
set(TORCH_INCLUDE_DIRS ${torch_headers} ${torch_headers}/torch/csrc/api/include)
# libtorch.so has no symbol of ours but brings libtorch_cuda.so where there is one.
set(TORCH_LIBRARIES "-Wl,--no-as-needed")
foreach(name torch torch_cpu c10)
  find_library(torch_library_${name} ${name} HINTS ${WINNOW_TORCH_ROOT} PATH_SUFFIXES lib
               NO_CACHE REQUIRED)
  list(APPEND TORCH_LIBRARIES ${torch_library_${name}})
endforeach()
list(APPEND TORCH_LIBRARIES "-Wl,--as-needed")
set(Torch_VERSION "in ${WINNOW_TORCH_ROOT}")
set(Torch_FOUND TRUE)
