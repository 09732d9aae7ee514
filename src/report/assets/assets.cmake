# Gives winnow_report its style sheet, script and plotting libraries as bytes of the library itself.
# The libraries come from the npm registry at build time, at the versions of package-lock.json.
find_program(WINNOW_NPM npm)
if(WINNOW_NPM)
  set(plots_default ON)
else()
  set(plots_default OFF)
endif()
option(WINNOW_REPORT_PLOTS "Inline the plotting libraries (needs npm and its registry)"
       ${plots_default})
if(WINNOW_REPORT_PLOTS AND NOT WINNOW_NPM)
  message(FATAL_ERROR "WINNOW_REPORT_PLOTS=ON needs npm; install it, or set it OFF: reports then "
                      "show tables instead of plots")
elseif(NOT WINNOW_REPORT_PLOTS)
  message(STATUS "Reports will show tables instead of plots (WINNOW_REPORT_PLOTS is off)")
endif()

set(assets_source ${CMAKE_CURRENT_LIST_DIR})
set(assets_build ${CMAKE_CURRENT_BINARY_DIR}/report-assets)
set(asset_names report_css report_js)
set(asset_files ${assets_source}/report.css ${assets_source}/report.js)

if(WINNOW_REPORT_PLOTS)
  set(modules ${assets_build}/node_modules)
  set(fetched ${assets_build}/vega.js ${assets_build}/vega-lite.js ${assets_build}/vega-embed.js
              ${assets_build}/LICENSE)
  file(MAKE_DIRECTORY ${assets_build})
  add_custom_command(
    OUTPUT ${fetched}
    COMMAND ${CMAKE_COMMAND} -E copy ${assets_source}/package.json ${assets_source}/package-lock.json
            ${assets_build}
    COMMAND ${WINNOW_NPM} ci --ignore-scripts --no-audit --no-fund --loglevel=error
    COMMAND ${CMAKE_COMMAND} -E copy ${modules}/vega/build/vega.min.js ${assets_build}/vega.js
    COMMAND ${CMAKE_COMMAND} -E copy ${modules}/vega-lite/build/vega-lite.min.js
            ${assets_build}/vega-lite.js
    COMMAND ${CMAKE_COMMAND} -E copy ${modules}/vega-embed/build/vega-embed.min.js
            ${assets_build}/vega-embed.js
    COMMAND ${CMAKE_COMMAND} -E copy ${modules}/vega/LICENSE ${assets_build}/LICENSE
    COMMAND ${CMAKE_COMMAND} -E rm -rf ${modules}
    DEPENDS ${assets_source}/package.json ${assets_source}/package-lock.json
    WORKING_DIRECTORY ${assets_build}
    COMMENT "Fetching the report's plotting libraries with npm (WINNOW_REPORT_PLOTS=OFF does without)"
    VERBATIM)
  list(APPEND asset_names vega vega_lite vega_embed licence)
  list(APPEND asset_files ${fetched})
endif()

set(assembly "")
foreach(name file IN ZIP_LISTS asset_names asset_files)
  string(APPEND assembly
         ".global winnow_asset_${name}\nwinnow_asset_${name}:\n.incbin \"${file}\"\n"
         ".global winnow_asset_${name}_end\nwinnow_asset_${name}_end:\n.byte 0\n")
endforeach()
file(CONFIGURE OUTPUT ${assets_build}/assets.s @ONLY
     CONTENT ".section .rodata\n${assembly}.section .note.GNU-stack,\"\",%progbits\n")
set_source_files_properties(${assets_build}/assets.s PROPERTIES OBJECT_DEPENDS "${asset_files}")
target_sources(winnow_report PRIVATE ${assets_build}/assets.s)
target_compile_definitions(winnow_report PRIVATE WINNOW_REPORT_PLOTS=$<BOOL:${WINNOW_REPORT_PLOTS}>)
