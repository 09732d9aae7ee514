# winnow_module(name DEPS targets...): one static library per folder of src/, headers public.
add_library(winnow_flags INTERFACE)
target_compile_options(winnow_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
                                              -Wno-sign-conversion -fno-math-errno)
if(WINNOW_SANITIZE)
  target_compile_options(winnow_flags INTERFACE -fsanitize=${WINNOW_SANITIZE}
                                                -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(winnow_flags INTERFACE -fsanitize=${WINNOW_SANITIZE})
endif()

function(winnow_module name)
  cmake_parse_arguments(arg "" "" "DEPS;PRIVATE_DEPS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp)
  add_library(winnow_${name} STATIC ${sources})
  add_library(winnow::${name} ALIAS winnow_${name})
  target_include_directories(winnow_${name} PUBLIC ${PROJECT_SOURCE_DIR}/include
                                            PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(winnow_${name} PUBLIC ${arg_DEPS}
                                       PRIVATE ${arg_PRIVATE_DEPS} winnow_flags)
  set_property(TARGET winnow_${name} PROPERTY WINNOW_FOLDER ${CMAKE_CURRENT_SOURCE_DIR}/${name})
endfunction()

# winnow_optional(module OPTION SOURCES files... WITHOUT files... LIBRARIES targets...): what an option
# of WinnowDependencies.cmake brings to a module, and what takes its place. `module` is a target.
function(winnow_optional target option)
  cmake_parse_arguments(arg "" "" "SOURCES;WITHOUT;LIBRARIES" ${ARGN})
  if(${option})
    target_link_libraries(${target} PRIVATE ${arg_LIBRARIES})
    return()
  endif()
  get_target_property(folder ${target} WINNOW_FOLDER)
  get_target_property(sources ${target} SOURCES)
  foreach(pattern ${arg_SOURCES})
    file(GLOB left_out ${folder}/${pattern})
    list(REMOVE_ITEM sources ${left_out})
  endforeach()
  list(TRANSFORM arg_WITHOUT PREPEND ${folder}/without/)
  set_property(TARGET ${target} PROPERTY SOURCES ${sources} ${arg_WITHOUT})
endfunction()
