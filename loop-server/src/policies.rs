//! Policy files: rules kept in JSON or TOML, in a folder under version control for instance. They are read whole before
//! anything changes, and what is wrong is told with its file, line and column.

use std::{
    fs, io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use loop_core::{
    access::{Caller, Ctx},
    base::TenantId,
    engine::{DecideError, Engine},
    policy::{
        PolicyError,
        document::{Document, Entry},
        filed::{self, Applied, Keep, Wanted},
    },
    store::Lane,
};
use sha2::{Digest, Sha256};

/// The largest file, in bytes.
const FILE_MAX: u64 = 4 * 1024 * 1024;
/// The most files of a folder.
const FILES_MAX: usize = 1_000;
/// The most bytes of all files of a folder.
const FOLDER_MAX: usize = 32 * 1024 * 1024;

/// Why policy files cannot be used. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// A file or folder cannot be read.
    #[error("`{}` cannot be read", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What stands in a file makes no sense.
    #[error("{}:{line}:{column}: {problem}", path.display())]
    Place {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong there.
        problem: String,
    },
    /// A pipe, a device or a folder where a file is to be.
    #[error("`{}` is no regular file", .0.display())]
    NoFile(PathBuf),
    /// A file that is neither `.toml` nor `.json`.
    #[error("`{}` is neither a .toml nor a .json file", .0.display())]
    Kind(PathBuf),
    /// Too much to read.
    #[error("`{}` is larger than a policy may be", .0.display())]
    TooLarge(PathBuf),
    /// A folder without a policy file. It may be a folder that is not mounted, so its rules are not taken for deleted.
    #[error("there is no policy file in `{}`: to keep no rules, keep a file without any", .0.display())]
    Empty(PathBuf),
    /// Rules cannot be put into words.
    #[error("the rules cannot be written: {0}")]
    Words(String),
}

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Form {
    /// TOML.
    #[default]
    Toml,
    /// JSON.
    Json,
}

impl Form {
    /// By the end of a file's name.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "toml" => Some(Self::Toml),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// Reads a document.
///
/// # Errors
/// [`FileError::Place`].
pub fn parse(path: &Path, text: &str, form: Form) -> Result<Document, FileError> {
    let place = |line, column, problem: String| FileError::Place { path: path.to_owned(), line, column, problem };
    match form {
        Form::Json => serde_json::from_str(text).map_err(|error| {
            let told = error.to_string();
            // The place is told by itself.
            let problem = told.rsplit_once(" at line ").map_or(told.as_str(), |(problem, _)| problem);
            place(error.line().max(1), error.column().max(1), problem.to_owned())
        }),
        Form::Toml => toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start).min(text.len());
            let before = text.get(..start).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            place(line, column, error.message().to_owned())
        }),
    }
}

/// Writes a document.
///
/// # Errors
/// [`FileError::Words`].
pub fn write(document: &Document, form: Form) -> Result<String, FileError> {
    match form {
        Form::Json => serde_json::to_string_pretty(document)
            .map(|text| text + "\n")
            .map_err(|error| FileError::Words(error.to_string())),
        Form::Toml => toml::to_string(document).map_err(|error| FileError::Words(error.to_string())),
    }
}

/// The content of a policy file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Source {
    path: PathBuf,
    form: Form,
    text: String,
}

/// Policy files as they were read at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    files: Vec<Source>,
    /// Of names and contents.
    print: [u8; 32],
}

impl Sources {
    /// Reads a file, or the `.toml` and `.json` files of a folder by name; hidden ones are left out.
    ///
    /// # Errors
    /// Files that cannot be read, too many or too large ones, and a folder without any.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| FileError::Read { path, source }
        };
        let mut paths = Vec::new();
        if fs::metadata(path).map_err(failed(path))?.is_dir() {
            for entry in fs::read_dir(path).map_err(failed(path))? {
                let entry = entry.map_err(failed(path))?.path();
                let hidden = entry.file_name().and_then(|name| name.to_str()).is_none_or(|name| name.starts_with('.'));
                if !hidden && Form::of(&entry).is_some() {
                    paths.push(entry);
                }
                if paths.len() > FILES_MAX {
                    return Err(FileError::TooLarge(path.to_owned()));
                }
            }
            if paths.is_empty() {
                return Err(FileError::Empty(path.to_owned()));
            }
        } else {
            paths.push(path.to_owned());
        }
        paths.sort_unstable();
        let (mut files, mut print, mut total) = (Vec::new(), Sha256::new(), 0);
        for file in paths {
            let form = Form::of(&file).ok_or_else(|| FileError::Kind(file.clone()))?;
            let mut text = String::new();
            let opened = open(&file).map_err(failed(&file))?;
            if !opened.metadata().map_err(failed(&file))?.is_file() {
                return Err(FileError::NoFile(file));
            }
            let mut opened = io::Read::take(opened, FILE_MAX + 1);
            io::Read::read_to_string(&mut opened, &mut text).map_err(failed(&file))?;
            total += text.len();
            if text.len() as u64 > FILE_MAX || total > FOLDER_MAX {
                return Err(FileError::TooLarge(file));
            }
            for part in [file.to_string_lossy().as_bytes(), text.as_bytes()] {
                print.update((part.len() as u64).to_be_bytes());
                print.update(part);
            }
            files.push(Source { path: file, form, text });
        }
        Ok(Self { files, print: print.finalize().into() })
    }

    /// The rules in them. A name or id that stands in two files is refused where it stands the second time.
    ///
    /// # Errors
    /// [`FileError::Place`].
    pub fn wanted(&self) -> Result<Vec<Wanted>, FileError> {
        let mut known = std::collections::BTreeMap::new();
        let mut all = Vec::new();
        for Source { path, form, text } in &self.files {
            let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            for entry in parse(path, text, *form)?.rules {
                for key in keys(&entry) {
                    if let Some(other) = known.insert(key.clone(), path)
                        && other != path
                    {
                        let (line, column) = place_of(text, &key);
                        let problem = format!("`{key}` stands in `{}` already", other.display());
                        return Err(FileError::Place { path: path.clone(), line, column, problem });
                    }
                }
                all.push(Wanted { file: file.clone(), entry });
            }
        }
        Ok(all)
    }
}

/// Opens a file to read it. A pipe is opened too, without waiting for somebody who writes to it.
fn open(file: &Path) -> io::Result<fs::File> {
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).map_err(io::Error::other)?;
    fs::OpenOptions::new().read(true).custom_flags(flags).open(file)
}

/// What a rule is known by.
fn keys(entry: &Entry) -> impl Iterator<Item = String> {
    entry.name.clone().into_iter().chain(entry.id.map(|id| id.to_string()))
}

/// Where a text stands first in quotes: line and column, from 1.
fn place_of(text: &str, wanted: &str) -> (usize, usize) {
    let quoted = ['"', '\''].map(|quote| format!("{quote}{wanted}{quote}"));
    let within = |line| quoted.iter().find_map(|quoted| str::split_once(line, quoted.as_str()));
    let found = text.lines().enumerate().find_map(|(at, line)| Some((at, within(line)?.0)));
    found.map_or((1, 1), |(at, before)| (at + 1, before.chars().count() + 2))
}

/// Why the rules of a folder were not taken over.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The files cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The rules are refused, or cannot be stored.
    #[error(transparent)]
    Refused(#[from] DecideError),
    /// Somebody is still writing.
    #[error("the policy files in `{}` keep changing", .0.display())]
    Unsettled(PathBuf),
}

/// A folder whose rules tenant `default` has, besides those made otherwise.
///
/// Whoever writes the files (`git pull`, say) writes them one by one, and a look may come in between. So rules are added
/// at once, but changed or deleted only when two looks in a row have found the same.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
    /// What was tried last, taken over or not.
    tried: Option<[u8; 32]>,
    /// What the last look found, when it was left for another look.
    seen: Option<[u8; 32]>,
}

impl Folder {
    /// A folder that was not looked at yet.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self { path, tried: None, seen: None }
    }

    /// Takes the rules of the folder over before a server starts. `pause` is waited between two looks, and after many
    /// that found something else each time it is given up.
    ///
    /// # Errors
    /// As [`Folder::sync`]; [`SyncError::Unsettled`].
    pub async fn start(&mut self, engine: &Engine, pause: Duration) -> Result<Applied, SyncError> {
        const LOOKS: usize = 20;
        for _ in 0..LOOKS {
            if let Some(applied) = self.sync(engine).await? {
                return Ok(applied);
            }
            tokio::time::sleep(pause).await;
        }
        Err(SyncError::Unsettled(self.path.clone()))
    }

    /// Takes the rules of the folder over when they changed since the last time; all of them or none. `None` when
    /// nothing changed, or when rules would be changed or deleted and the next look has to find the same first.
    ///
    /// # Errors
    /// Files that make no sense, each content once; rules that are refused; storage failures.
    pub async fn sync(&mut self, engine: &Engine) -> Result<Option<Applied>, SyncError> {
        let path = self.path.clone();
        let tried = self.tried;
        let read = tokio::task::spawn_blocking(move || {
            let sources = Sources::read(&path)?;
            let changed = tried != Some(sources.print);
            Ok(changed.then(|| (sources.print, sources.wanted())))
        });
        let read: Result<_, FileError> = read.await.unwrap_or_else(|error| Err(FileError::Words(error.to_string())));
        let seen = self.seen.take();
        let Some((print, wanted)) = read? else { return Ok(None) };
        self.tried = Some(print);
        let wanted = wanted?;
        let applied = apply(engine, wanted, seen == Some(print)).await;
        match applied {
            Ok(applied) => Ok(Some(applied)),
            Err(Left::Unsure) => {
                (self.tried, self.seen) = (tried, Some(print));
                Ok(None)
            }
            Err(Left::Refused(error)) => {
                if !matches!(&error, DecideError::Policy(error) if !matches!(error, PolicyError::Store(_))) {
                    // What the store could not do is tried again.
                    self.tried = None;
                }
                Err(error.into())
            }
        }
    }
}

/// Why rules were left as they are.
enum Left {
    /// More than one look is needed for what would be done.
    Unsure,
    Refused(DecideError),
}

impl From<loop_core::store::StoreError> for Left {
    fn from(error: loop_core::store::StoreError) -> Self {
        Self::Refused(error.into())
    }
}

/// Brings rules in, in one transaction; when nobody is `sure` of them, only if none is changed or deleted.
async fn apply(engine: &Engine, wanted: Vec<Wanted>, sure: bool) -> Result<Applied, Left> {
    let tenant = TenantId::default_tenant();
    let seed = engine.seed().map_err(|error| Left::Refused(error.into()))?;
    let cx = Ctx::new(Caller::system(tenant.clone(), "policy files"), engine.now(), seed);
    let work = move |tx: &mut dyn loop_core::store::Tx| {
        let applied = filed::apply(tx, &cx, &wanted, Keep::Filed).map_err(|error| Left::Refused(error.into()))?;
        if sure || (applied.changed == 0 && applied.deleted == 0) { Ok(applied) } else { Err(Left::Unsure) }
    };
    engine.write_as_system(&tenant, "rule.files", Lane::Normal, work).await
}

#[cfg(test)]
mod tests;
