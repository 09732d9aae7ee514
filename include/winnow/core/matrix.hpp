#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace winnow {

/// Row-major [rows, cols] view; does not own its memory.
template <class T>
class MatrixView {
 public:
  MatrixView() = default;
  MatrixView(T* data, std::int64_t rows, std::int64_t cols)
      : data_(data), rows_(rows), cols_(cols) {}
  /// A view of mutable data is also a view of constant data.
  template <class U>
  requires(std::is_same_v<const U, T>)
      // NOLINTNEXTLINE(google-explicit-constructor): the conversion is the point.
      MatrixView(MatrixView<U> other)
      : MatrixView(other.data(), other.rows(), other.cols()) {}

  T* data() const { return data_; }
  std::int64_t rows() const { return rows_; }
  std::int64_t cols() const { return cols_; }
  std::int64_t size() const { return rows_ * cols_; }
  bool empty() const { return size() == 0; }

  std::span<T> row(std::int64_t i) const {
    assert(i >= 0 && i < rows_);
    return {data_ + i * cols_, static_cast<std::size_t>(cols_)};
  }
  T& operator()(std::int64_t i, std::int64_t j) const {
    assert(i >= 0 && i < rows_ && j >= 0 && j < cols_);
    return data_[i * cols_ + j];
  }
  /// Rows [begin, begin + count).
  MatrixView block(std::int64_t begin, std::int64_t count) const {
    assert(begin >= 0 && count >= 0 && begin + count <= rows_);
    return {data_ + begin * cols_, count, cols_};
  }

 private:
  T* data_ = nullptr;
  std::int64_t rows_ = 0;
  std::int64_t cols_ = 0;
};

namespace detail {

/// From here on an allocation is worth huge pages: first touching memory in 4 KiB pages costs more
/// than filling it.
constexpr std::size_t huge_allocation = std::size_t{8} << 20U;

/// Asks for huge pages where the system grants them; otherwise nothing happens.
void advise_huge_pages(void* memory, std::size_t bytes) noexcept;

}  // namespace detail

/// Starts every allocation on a cache line, a large one on a huge page. Values are left
/// uninitialised unless a container fills them.
template <class T>
struct AlignedAllocator {
  using value_type = T;
  AlignedAllocator() = default;
  template <class U>
  // NOLINTNEXTLINE(google-explicit-constructor): allocators convert by definition.
  AlignedAllocator(const AlignedAllocator<U>& /*other*/) {}
  T* allocate(std::size_t n) {
    void* memory = ::operator new(n * sizeof(T), alignment_of(n));
    if (n * sizeof(T) >= detail::huge_allocation) detail::advise_huge_pages(memory, n * sizeof(T));
    return static_cast<T*>(memory);
  }
  void deallocate(T* p, std::size_t n) { ::operator delete(p, alignment_of(n)); }
  template <class U, class... Args>
  void construct(U* place, Args&&... args) {
    if constexpr (sizeof...(Args) == 0) {
      ::new (static_cast<void*>(place)) U;
    } else {
      ::new (static_cast<void*>(place)) U(std::forward<Args>(args)...);
    }
  }
  bool operator==(const AlignedAllocator& /*other*/) const { return true; }

 private:
  static std::align_val_t alignment_of(std::size_t n) {
    return std::align_val_t{n * sizeof(T) >= detail::huge_allocation ? std::size_t{2} << 20U : 64};
  }
};

/// Owned row-major [rows, cols] matrix, zero-initialised, rows contiguous, 64-byte aligned start.
template <class T>
class Matrix {
 public:
  Matrix() = default;
  Matrix(std::int64_t rows, std::int64_t cols)
      : values_(static_cast<std::size_t>(rows * cols), T{}), rows_(rows), cols_(cols) {}
  /// For who writes every entry anyway.
  static Matrix uninitialized(std::int64_t rows, std::int64_t cols) {
    Matrix matrix;
    matrix.values_ = std::vector<T, AlignedAllocator<T>>(static_cast<std::size_t>(rows * cols));
    matrix.rows_ = rows;
    matrix.cols_ = cols;
    return matrix;
  }

  std::int64_t rows() const { return rows_; }
  std::int64_t cols() const { return cols_; }
  std::int64_t size() const { return rows_ * cols_; }
  bool empty() const { return values_.empty(); }
  T* data() { return values_.data(); }
  const T* data() const { return values_.data(); }

  std::span<T> row(std::int64_t i) { return view().row(i); }
  std::span<const T> row(std::int64_t i) const { return view().row(i); }
  T& operator()(std::int64_t i, std::int64_t j) { return view()(i, j); }
  const T& operator()(std::int64_t i, std::int64_t j) const { return view()(i, j); }

  MatrixView<T> view() { return {values_.data(), rows_, cols_}; }
  MatrixView<const T> view() const { return {values_.data(), rows_, cols_}; }
  // NOLINTNEXTLINE(google-explicit-constructor): a matrix may stand wherever a view is wanted.
  operator MatrixView<const T>() const { return view(); }
  // NOLINTNEXTLINE(google-explicit-constructor)
  operator MatrixView<T>() { return view(); }

 private:
  std::vector<T, AlignedAllocator<T>> values_;
  std::int64_t rows_ = 0;
  std::int64_t cols_ = 0;
};

}  // namespace winnow
