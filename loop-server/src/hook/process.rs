//! One run of the program: an event on standard input, a word on standard output, and the exit code. Silence and 0
//! when nothing objects, the tool's own form and 0 for a refusal, and for everything else 2 and one line on standard
//! error, which both tools take for a refusal.

use std::{
    error::Error,
    fs::File,
    io::{self, Read as _, Write},
    os::{
        fd::AsFd as _,
        unix::fs::{FileTypeExt as _, MetadataExt as _},
    },
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    process, thread,
    time::Duration,
};

use loop_core::base::secret::Secret;
use zeroize::Zeroize as _;

use super::{
    Agent, HookError, direct,
    route::EVENT_LIMIT,
    sidecar::{self, Place},
    told::Word,
};

/// From the start to the answer. Both tools wait twice as long, and what they have to give up on they run.
const PATIENCE: Duration = Duration::from_secs(5);
/// The stack of the thread that keeps the time, in bytes.
const STACK: usize = 64 << 10;
/// Where a server is looked for that was not named.
pub const DEFAULT_URL: &str = "http://127.0.0.1:4242";
/// The longest key file, in bytes: a key and the end of its line.
const KEY_FILE_LIMIT: u64 = 512;
/// The exit code that both tools take for a refusal.
const BLOCKED: u8 = 2;

/// How one run decides.
#[derive(Debug, Clone)]
pub struct Run {
    /// Whose event it is.
    pub agent: Agent,
    /// The server, as given.
    pub url: String,
    /// The database file to decide on, instead of asking a server.
    pub db: Option<PathBuf>,
    /// The file with the key, instead of `key`.
    pub key_file: Option<PathBuf>,
    /// The key.
    pub key: Option<Secret>,
    /// What stored secrets are sealed with, instead of the file beside the database.
    pub secret_key: Option<Secret>,
    /// Whether the person at the terminal is asked about a call that waits for approval.
    pub ask: bool,
}

/// Runs once and answers the exit code.
#[must_use]
pub fn run(run: Run) -> u8 {
    // What a panic would print is one line too many.
    panic::set_hook(Box::new(|_| {}));
    let word = watch().and_then(|()| unbroken(|| run.decide(read(io::stdin().lock())?)));
    match word.and_then(|word| say(&word)) {
        Ok(()) => 0,
        Err(error) => {
            complain(&error);
            BLOCKED
        }
    }
}

/// Ends the process, as blocked, when it takes too long, whatever it is doing then. The work itself stays on the main
/// thread: one of its own would take longer to start than this one, and has memory of its own to fetch.
fn watch() -> Result<(), HookError> {
    let watch = thread::Builder::new().name("watch".to_owned()).stack_size(STACK).spawn(|| {
        thread::sleep(PATIENCE);
        complain(&HookError::TooSlow(PATIENCE.as_secs()));
        process::exit(i32::from(BLOCKED));
    });
    // It ends with the process.
    watch.map(drop).map_err(HookError::CannotRun)
}

/// Runs `work`; a bug in it is a failure like another.
fn unbroken<T>(work: impl FnOnce() -> Result<T, HookError>) -> Result<T, HookError> {
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(HookError::Panicked))
}

/// Tells why the call is blocked. Without standard error there is nobody to tell; the exit code says the same.
fn complain(error: &HookError) {
    let _ = writeln!(io::stderr(), "{}", line(error));
}

fn read(input: impl io::Read) -> Result<Vec<u8>, HookError> {
    let mut event = Vec::new();
    let most = u64::try_from(EVENT_LIMIT).unwrap_or(u64::MAX).saturating_add(1);
    input.take(most).read_to_end(&mut event).map_err(HookError::Input)?;
    if event.len() > EVENT_LIMIT { Err(HookError::TooLarge(EVENT_LIMIT)) } else { Ok(event) }
}

impl Run {
    fn decide(self, event: Vec<u8>) -> Result<Word, HookError> {
        let key = match (&self.key_file, self.key) {
            (Some(path), _) => read_key(path)?,
            (None, Some(key)) => key,
            (None, None) => return Err(HookError::NoKey),
        };
        let told = match &self.db {
            Some(db) => direct::decide(db, self.agent, &key, self.secret_key.as_ref(), &event)?,
            None => sidecar::decide(&self.url.parse::<Place>()?, self.agent, &key, event)?,
        };
        told.word(self.agent, self.ask)
    }
}

fn read_key(path: &Path) -> Result<Secret, HookError> {
    let failed = |source| HookError::KeyFile { path: path.to_owned(), source };
    let mut text = String::new();
    File::open(path).map_err(failed)?.take(KEY_FILE_LIMIT).read_to_string(&mut text).map_err(failed)?;
    let key = text.trim();
    let sound = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
    let key = if sound { Ok(Secret::new(key)) } else { Err(HookError::BadKey) };
    text.zeroize();
    key
}

/// Tells the tool.
fn say(word: &Word) -> Result<(), HookError> {
    let Some(text) = word.to_json()? else { return Ok(()) };
    // A closed standard output is opened anew on the null device, where every word is lost without an error.
    if !heard() {
        return Err(HookError::Unheard);
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(HookError::Output)
}

/// Whether standard output leads anywhere.
fn heard() -> bool {
    let out = io::stdout().as_fd().try_clone_to_owned().and_then(|out| File::from(out).metadata());
    match (out, std::fs::metadata("/dev/null")) {
        (Ok(out), Ok(null)) => !(out.file_type().is_char_device() && out.rdev() == null.rdev()),
        (Ok(_), Err(_)) => true,
        (Err(_), _) => false,
    }
}

/// An error and its causes in one line, without what a terminal would obey.
fn line(error: &HookError) -> String {
    let mut text = format!("loop-server: the call is blocked: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text.chars().take(1_000).map(|char| if char.is_control() { ' ' } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::{EVENT_LIMIT, HookError, line, read, unbroken};

    #[test]
    fn work_that_breaks_off_is_a_failure() {
        let broken = unbroken(|| -> Result<(), _> { panic!("a bug") });
        assert!(matches!(broken, Err(HookError::Panicked)), "{broken:?}");
    }

    #[test]
    fn an_event_is_read_up_to_its_limit() {
        assert_eq!(read(io::repeat(b' ').take_exactly(EVENT_LIMIT)).map(|event| event.len()).ok(), Some(EVENT_LIMIT));
        let error = read(io::repeat(b' ').take_exactly(EVENT_LIMIT + 1)).expect_err("too large");
        assert!(matches!(error, HookError::TooLarge(_)), "{error}");
    }

    trait TakeExactly: io::Read + Sized {
        fn take_exactly(self, count: usize) -> io::Take<Self> {
            self.take(count as u64)
        }
    }

    impl TakeExactly for io::Repeat {}

    #[test]
    fn a_failure_is_one_line_with_its_causes() {
        let error = HookError::Refused { status: 400, message: "two\nlines\u{1b}[31m".to_owned() };
        assert_eq!(line(&error), "loop-server: the call is blocked: the server answered 400: two lines [31m");
        let error = HookError::Input(io::Error::other("gone"));
        assert_eq!(line(&error), "loop-server: the call is blocked: standard input cannot be read: gone");
    }
}
