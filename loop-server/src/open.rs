//! Opening what a server or a command works on: the store, the master key and the engine over both.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use loop_core::{
    base::{
        Host as _,
        host::{NoEntropy, SystemHost},
        secret::{MasterKey, Secret},
    },
    engine::{CATALOG, Engine},
    store::{Store, StoreError, memory::MemoryStore},
};

use loop_store_sqlite::{Options, SqliteStore};

use crate::{
    config::Durability,
    master_key::{self, MasterKeyError},
};

/// The name of a database that is kept nowhere.
pub const MEMORY: &str = ":memory:";

/// Why a database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The store refuses.
    #[error("the database `{}` cannot be opened", path.display())]
    Store {
        /// The file.
        path: PathBuf,
        /// Why.
        source: StoreError,
    },
    /// There is no such file.
    #[error("there is no database `{}`; the server makes it on its first start", .0.display())]
    Missing(PathBuf),
    /// There is no master key.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    /// The machine gives no randomness.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
}

/// An engine and what has to be closed behind it.
pub struct Opened {
    /// The engine.
    pub engine: Engine,
    /// Whether its master key is the database's own; without it nothing can be sealed, opened or signed.
    pub keyed: bool,
    file: Option<Arc<SqliteStore>>,
}

/// How a command means to use the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Read and write, and make the file when it is missing.
    Serve(Durability),
    /// Read and write a file that must be there.
    Change,
    /// Only read a file that must be there.
    Read,
    /// Read and write a file that must be there, for one decision.
    Hook,
}

/// Opens the database and finds its master key.
///
/// # Errors
/// A file that is damaged, newer, locked, missing or not writable; a bad key file; no randomness.
pub fn open(db: &Path, mode: Mode, secret_key: Option<&Secret>) -> Result<Opened, OpenError> {
    let mut seed = SystemHost.seed()?;
    let host = Arc::new(SystemHost);
    if db == Path::new(MEMORY) {
        let master = secret_key.map_or_else(|| MasterKey::new(seed.draw()), |text| MasterKey::from_text(text.expose()));
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(CATALOG));
        return Ok(Opened { engine: Engine::new(store, host, master), file: None, keyed: true });
    }
    let fresh = std::fs::metadata(db).map_or(true, |file| file.len() == 0);
    let serving = matches!(mode, Mode::Serve(_));
    if fresh && !serving {
        return Err(OpenError::Missing(db.to_owned()));
    }
    let mut options = Options::default();
    match mode {
        Mode::Serve(Durability::Full) | Mode::Change => {}
        Mode::Serve(Durability::Process) => options.durability = loop_store_sqlite::Durability::Process,
        Mode::Read => options.read_only = true,
        Mode::Hook => {
            // One after the other is all there is to do: no threads to start and to hand things to and fro.
            options.threads = false;
            // Reading the whole file would take longer than all the rest. Damage that is met fails the decision.
            options.check = false;
        }
    }
    let (master, keyed) = match master_key::load(secret_key, db, fresh, &mut seed) {
        Ok(master) => (master, true),
        // Commands that seal and open nothing work without it, such as checking a copy of the log elsewhere.
        Err(MasterKeyError::Lost(_)) if !serving => (MasterKey::new(seed.draw()), false),
        Err(error) => return Err(error.into()),
    };
    let file = SqliteStore::open(db, options).map_err(|source| OpenError::Store { path: db.to_owned(), source })?;
    let file = Arc::new(file);
    let store: Arc<dyn Store> = Arc::clone(&file) as Arc<dyn Store>;
    Ok(Opened { engine: Engine::new(store, host, master), file: Some(file), keyed })
}

impl Opened {
    /// The store over the file; `None` for a database that is kept nowhere.
    #[must_use]
    pub const fn file(&self) -> Option<&Arc<SqliteStore>> {
        self.file.as_ref()
    }

    /// Lets queued work finish and closes the file.
    pub fn close(self) {
        if let Some(file) = self.file {
            file.close();
        }
    }
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opened(..)")
    }
}
