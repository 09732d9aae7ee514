#pragma once

#include <stdexcept>

namespace winnow {

/// Base of every error that winnow throws on purpose. The message is complete: it names the file
/// (and row, column or byte, counted from 0), what was found, what was expected, and what to do.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;

  /// What a program should exit with: 2 bad usage or input, 1 failed while working, 130
  /// interrupted.
  virtual int exit_code() const noexcept { return 2; }
};

/// A caller's option or argument is out of its range.
class InvalidArgument : public Error {
  using Error::Error;
};

/// A file cannot be read as what it should be: missing, truncated, wrong magic, wrong type.
class BadFile : public Error {
  using Error::Error;
};

/// NaN or Inf where finite values are needed; names the first row and column.
class NonFiniteInput : public Error {
  using Error::Error;
};

/// Artifacts that belong to two different datasets, or of different lengths, were combined.
class DatasetMismatch : public Error {
  using Error::Error;
};

/// The output is already there and neither --force nor --resume was given.
class OutputExists : public Error {
  using Error::Error;
};

/// Something this build of winnow was configured without.
class NotAvailable : public Error {
  using Error::Error;
};

/// Work failed half way although input and usage were right: no space left, a read-only folder.
class WorkFailed : public Error {
 public:
  using Error::Error;
  int exit_code() const noexcept override { return 1; }
};

/// The user asked to stop. Thrown between blocks of work, never inside one.
class Interrupted : public Error {
 public:
  Interrupted() : Error("interrupted") {}
  int exit_code() const noexcept override { return 130; }
};

}  // namespace winnow
