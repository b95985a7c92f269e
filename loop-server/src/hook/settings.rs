//! A tool's file of settings: read once, replaced whole or not at all, by one of us at a time. It keeps its owner, its
//! mode and the link that leads to it.

use std::{
    ffi::OsString,
    fs::{self, File, Metadata, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, fchown},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use super::install::InstallError;

/// The largest file of settings, in bytes.
const SETTINGS_LIMIT: u64 = 4 << 20;
/// How often, and after which pause each time, the folder is asked for: five seconds in all.
const TRIES: u32 = 500;
/// See [`TRIES`].
const PAUSE: Duration = Duration::from_millis(10);
/// The superuser, who makes files in other people's folders.
const ROOT: u32 = 0;

/// A file of settings as it was found.
pub(super) struct Settings {
    /// The file itself, where a link led to it.
    path: PathBuf,
    text: Option<String>,
    /// Keeps others of us out of the folder.
    _lock: File,
}

impl Settings {
    /// Reads the file. Its folder is made when it is missing.
    ///
    /// # Errors
    /// A file that cannot be read or is no text; a link that leads nowhere; another one of us at work there.
    pub(super) fn open(path: &Path) -> Result<Self, InstallError> {
        let failed = |source| InstallError::File { path: path.to_owned(), source };
        let real = match fs::canonicalize(path) {
            Ok(real) => real,
            // A link that leads nowhere would be replaced by a file.
            Err(error) if error.kind() != io::ErrorKind::NotFound || fs::symlink_metadata(path).is_ok() => {
                return Err(failed(error));
            }
            Err(_) => path.to_owned(),
        };
        let folder = folder(&real);
        make(folder).map_err(failed)?;
        let lock = File::open(folder).map_err(failed)?;
        if !alone(&lock) {
            let problem = "another installation is at work in its folder; try again";
            return Err(InstallError::Strange { path: real, problem });
        }
        let text = read(&real)?;
        Ok(Self { path: real, text, _lock: lock })
    }

    /// What the file holds; `None` when there is none.
    pub(super) fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// Where the file as it was before is kept.
    pub(super) fn backup(&self) -> PathBuf {
        beside(&self.path, ".before-loop")
    }

    /// The file as it was before, if it is kept.
    pub(super) fn kept(&self) -> Option<String> {
        read(&self.backup()).ok().flatten()
    }

    /// Keeps the file as it was before, or nothing any more.
    pub(super) fn keep(&self, before: Option<&str>) -> Result<(), InstallError> {
        let backup = self.backup();
        match before {
            Some(before) => self.replace(&backup, before),
            None => match fs::remove_file(&backup) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    Err(InstallError::File { path: backup, source })
                }
                _ => Ok(()),
            },
        }
    }

    /// Puts another text into the file, whole or not at all, unless somebody else has changed it meanwhile.
    pub(super) fn change(&self, text: &str) -> Result<(), InstallError> {
        self.unchanged()?;
        self.replace(&self.path, text)
    }

    /// Removes the file, unless somebody else has changed it meanwhile.
    pub(super) fn remove(&self) -> Result<(), InstallError> {
        self.unchanged()?;
        fs::remove_file(&self.path).map_err(|source| InstallError::File { path: self.path.clone(), source })
    }

    fn unchanged(&self) -> Result<(), InstallError> {
        if read(&self.path)? == self.text {
            return Ok(());
        }
        Err(InstallError::Strange { path: self.path.clone(), problem: "it was just changed; try again" })
    }

    fn replace(&self, path: &Path, text: &str) -> Result<(), InstallError> {
        let draft = beside(path, &format!(".{}.draft", std::process::id()));
        let written = (|| {
            let mut file = OpenOptions::new().write(true).create_new(true).open(&draft)?;
            match fs::metadata(&self.path) {
                Ok(found) => resemble(&file, &found)?,
                Err(_) => belong(&file.metadata()?, &fs::metadata(folder(path))?, |uid, gid| fchown(&file, uid, gid))?,
            }
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&draft, path)?;
            File::open(folder(path))?.sync_all()
        })();
        if written.is_err() {
            // It may never have been made.
            let _ = fs::remove_file(&draft);
        }
        written.map_err(|source| InstallError::File { path: path.to_owned(), source })
    }
}

/// Waits, though not for long, until no other one of us is at work in the folder.
fn alone(folder: &File) -> bool {
    for _ in 0..TRIES {
        match folder.try_lock() {
            Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
            // Some file systems lock no folders. There the check before a change has to do.
            Ok(()) | Err(TryLockError::Error(_)) => return true,
        }
    }
    false
}

fn read(path: &Path) -> Result<Option<String>, InstallError> {
    let failed = |source| InstallError::File { path: path.to_owned(), source };
    let strange = |problem| InstallError::Strange { path: path.to_owned(), problem };
    // Opening a pipe would wait for somebody who writes to it.
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
        Ok(found) if !found.is_file() => return Err(strange("it is no file")),
        Ok(_) => {}
    }
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(SETTINGS_LIMIT + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > SETTINGS_LIMIT {
        return Err(strange("it is too large"));
    }
    String::from_utf8(bytes).map(Some).map_err(|_| strange("it is no sound JSON object"))
}

/// Gives a new file the owner and the mode of the one that it replaces. Whoever may not do so leaves the old one.
fn resemble(file: &File, found: &Metadata) -> io::Result<()> {
    let new = file.metadata()?;
    if (new.uid(), new.gid()) != (found.uid(), found.gid()) {
        fchown(file, Some(found.uid()), Some(found.gid()))?;
    }
    file.set_permissions(found.permissions())
}

/// Gives what root made in somebody's folder to them: root's file in a user's home is one that the user's tools cannot
/// change any more.
fn belong(
    made: &Metadata,
    folder: &Metadata,
    give: impl FnOnce(Option<u32>, Option<u32>) -> io::Result<()>,
) -> io::Result<()> {
    if made.uid() == ROOT && folder.uid() != ROOT { give(Some(folder.uid()), Some(folder.gid())) } else { Ok(()) }
}

/// Makes a folder, and those that it is in, unless they are there.
fn make(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    make(folder(path))?;
    match fs::create_dir(path) {
        // Somebody else was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        made => made?,
    }
    let made = File::open(path)?;
    let found = made.metadata()?;
    belong(&found, &fs::metadata(folder(path))?, |uid, gid| {
        let named = fs::symlink_metadata(path)?;
        // Whoever owns the folder around may have put something else there by now.
        if (found.dev(), found.ino()) != (named.dev(), named.ino()) || fs::read_dir(path)?.next().is_some() {
            return Err(io::Error::other("the folder that was just made is another one now"));
        }
        fchown(&made, uid, gid)
    })
}

/// The folder that a file is in.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The path of another file in the same folder.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}
