//! SQLite's errors as store errors.

use loop_core::store::StoreError;
use rusqlite::{Error, ErrorCode, ffi};

/// What an error of SQLite means to a caller. Its text names tables and statements, never a bound value.
pub(crate) fn fault(error: Error) -> StoreError {
    let Some(code) = error.sqlite_error_code() else {
        return match error {
            Error::FromSqlConversionFailure(..) | Error::InvalidColumnType(..) | Error::IntegralValueOutOfRange(..) => {
                StoreError::Corrupt("a column holds a value of another type".to_owned())
            }
            Error::Utf8Error(..) => StoreError::Corrupt("a text is not UTF-8".to_owned()),
            other => StoreError::Internal(other.to_string()),
        };
    };
    match code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed => {
            StoreError::Unavailable("another process holds the file")
        }
        ErrorCode::SystemIoFailure => StoreError::Io(operation(&error)),
        ErrorCode::DiskFull => StoreError::Full,
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => StoreError::ReadOnly,
        ErrorCode::DatabaseCorrupt => StoreError::Corrupt("the file is malformed".to_owned()),
        ErrorCode::NotADatabase => StoreError::Corrupt("the file is no database".to_owned()),
        ErrorCode::CannotOpen => StoreError::Unavailable("the file cannot be opened"),
        ErrorCode::OutOfMemory => StoreError::Unavailable("out of memory"),
        ErrorCode::TooBig => StoreError::Misuse("a value is too large".to_owned()),
        _ => StoreError::Internal(error.to_string()),
    }
}

/// What the disk failed at.
fn operation(error: &Error) -> &'static str {
    match error.sqlite_error().map(|error| error.extended_code) {
        Some(ffi::SQLITE_IOERR_READ | ffi::SQLITE_IOERR_SHORT_READ) => "reading",
        Some(ffi::SQLITE_IOERR_WRITE | ffi::SQLITE_IOERR_TRUNCATE) => "writing",
        Some(ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC) => "making a write durable",
        Some(ffi::SQLITE_IOERR_LOCK | ffi::SQLITE_IOERR_SHMLOCK) => "locking the file",
        _ => "an operation on the file",
    }
}

/// Whether an error says that a unique value is taken.
pub(crate) fn is_taken(error: &Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}

/// Whether an error is the caller's affair and leaves the transaction as it was.
pub(crate) const fn is_refusal(error: &StoreError) -> bool {
    matches!(error, StoreError::Duplicate { .. } | StoreError::Misuse(_))
}
