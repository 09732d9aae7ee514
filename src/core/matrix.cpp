#include "winnow/core/matrix.hpp"

#include <sys/mman.h>

namespace winnow::detail {

void advise_huge_pages(void* memory, std::size_t bytes) noexcept {
  // Whole huge pages only: what lies behind may belong to others.
  constexpr std::size_t huge_page = std::size_t{2} << 20U;
  ::madvise(memory, bytes / huge_page * huge_page, MADV_HUGEPAGE);
}

}  // namespace winnow::detail
