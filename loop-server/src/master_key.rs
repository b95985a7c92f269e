//! The master key: from the environment, or from a file beside the database that is made on the first start.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use loop_core::base::{
    Seed,
    secret::{MasterKey, Secret, hex, unhex},
};
use zeroize::Zeroize as _;

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The key file cannot be read or made.
    #[error("the key file `{}` cannot be used", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The key file holds something else. It is never replaced: what it sealed could not be opened any more.
    #[error("the key file `{}` does not hold 64 hexadecimal digits", .0.display())]
    Malformed(PathBuf),
    /// The database is there and its key is not.
    #[error("the key file `{}` is missing: restore it, or set LOOP_SECRET_KEY", .0.display())]
    Lost(PathBuf),
}

/// Where the key of a database is kept: its path with `.key` behind it.
#[must_use]
pub fn path_beside(db: &Path) -> PathBuf {
    let mut path = OsString::from(db);
    path.push(".key");
    path.into()
}

/// The master key: `given` when there is one, else the file's. The file is made only for a `fresh` database: a key
/// that is made anew opens nothing that the lost one sealed.
///
/// # Errors
/// A file that cannot be read or made, that holds something else, or that is missing beside an old database.
pub fn load(given: Option<&Secret>, db: &Path, fresh: bool, seed: &mut Seed) -> Result<MasterKey, MasterKeyError> {
    if let Some(text) = given {
        return Ok(MasterKey::from_text(text.expose()));
    }
    let path = path_beside(db);
    if let Some(key) = read(&path)? {
        return Ok(key);
    }
    if !fresh {
        return Err(MasterKeyError::Lost(path));
    }
    create(&path, seed).map_err(|source| MasterKeyError::File { path: path.clone(), source })?;
    // Another process may have been faster: whatever stands in the file now is the key.
    read(&path)?.ok_or(MasterKeyError::Malformed(path))
}

/// The key in the file, if there is one.
///
/// # Errors
/// A file that cannot be read, or that holds something else.
pub fn read(path: &Path) -> Result<Option<MasterKey>, MasterKeyError> {
    let failed = |source| MasterKeyError::File { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    if file.metadata().map_err(failed)?.permissions().mode() & 0o077 != 0 {
        tracing::warn!(target: "loop::server", path = %path.display(), "the key file can be read by others");
    }
    let mut text = String::new();
    // A key and a line's end; more is malformed, and is not read.
    file.take(128).read_to_string(&mut text).map_err(failed)?;
    let key = unhex::<32>(text.trim_end()).map(MasterKey::new);
    text.zeroize();
    key.map(Some).ok_or_else(|| MasterKeyError::Malformed(path.to_owned()))
}

/// Writes a fresh key so that it is there whole or not at all, and never over another.
fn create(path: &Path, seed: &mut Seed) -> io::Result<()> {
    let mut bytes = seed.draw();
    let mut text = hex(&bytes);
    text.push('\n');
    bytes.zeroize();
    let mut draft = OsString::from(path);
    draft.push(format!(".{}", hex(&seed.draw16())));
    let draft = PathBuf::from(draft);
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        // A link, unlike a renaming, fails when the name is taken.
        match fs::hard_link(&draft, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        }
    })();
    text.zeroize();
    // A draft that was never made, or cannot be removed, changes nothing about the key.
    let _ = fs::remove_file(&draft);
    written?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use loop_core::base::{Seed, secret::Secret};

    use super::{MasterKeyError, load, path_beside};

    #[test]
    fn a_key_is_made_once_and_kept_private() {
        let folder = tempfile::tempdir().expect("a folder");
        let db = folder.path().join("loop.db");
        let first = load(None, &db, true, &mut Seed::new([1; 32])).expect("made");
        let again = load(None, &db, true, &mut Seed::new([2; 32])).expect("read");
        assert_eq!(first.derive("x", "y"), again.derive("x", "y"));
        let mode = std::fs::metadata(path_beside(&db)).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "no draft is left");
    }

    #[test]
    fn a_damaged_key_file_is_an_error_and_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let db = folder.path().join("loop.db");
        for bad in ["", "not a key", &"0".repeat(65), &"0".repeat(4096)] {
            std::fs::write(path_beside(&db), bad).expect("written");
            assert!(
                matches!(load(None, &db, true, &mut Seed::new([1; 32])), Err(MasterKeyError::Malformed(_))),
                "{bad}"
            );
            assert_eq!(std::fs::read_to_string(path_beside(&db)).expect("there"), bad);
        }
    }

    #[test]
    fn a_lost_key_is_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let db = folder.path().join("loop.db");
        assert!(matches!(load(None, &db, false, &mut Seed::new([1; 32])), Err(MasterKeyError::Lost(_))));
        assert!(!path_beside(&db).exists());
    }

    #[test]
    fn a_given_key_needs_no_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let db = folder.path().join("loop.db");
        load(Some(&Secret::new("correct horse")), &db, true, &mut Seed::new([1; 32])).expect("hashed");
        assert!(!path_beside(&db).exists());
    }
}
