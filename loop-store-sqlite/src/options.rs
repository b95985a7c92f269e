//! How a file is opened.

use std::time::Duration;

use loop_core::{engine, store::Catalog};

/// The scripts of Loop's own tables, oldest first. A released script never changes; a new one is added behind it.
const MIGRATIONS: &[&str] = &[include_str!("../migrations/0001_init.sql")];

/// What a committed transaction survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// The loss of power: every commit is synced to the disk before it is acknowledged (`synchronous=FULL`).
    #[default]
    Full,
    /// The death of the process, but not of the machine: the last moments before a power cut may be lost, in
    /// whole transactions and from the end (`synchronous=NORMAL`).
    Process,
}

/// How a store is opened. Start from [`Options::default`], which has Loop's own tables, and change what differs.
#[derive(Debug, Clone)]
pub struct Options {
    /// The tables.
    pub catalog: Catalog,
    /// The scripts that make and change the tables, the first being version 1. Empty: the tables are made
    /// straight from the catalog as version 1.
    pub migrations: &'static [&'static str],
    /// What a commit survives.
    pub durability: Durability,
    /// Open without writing; writing jobs end with [`loop_core::store::StoreError::ReadOnly`].
    pub read_only: bool,
    /// Whether every table is tried, and a file of up to 32 MiB read page by page, before anything else. Without it
    /// damage is an error when it is met.
    pub check: bool,
    /// How many jobs may wait in each lane, and how many reads may wait; the next one is refused.
    pub queue_depth: usize,
    /// How many jobs share a commit at most.
    pub batch_max: usize,
    /// How many threads serve reads. With 0 the writer's thread serves them.
    pub readers: usize,
    /// Whether the store has threads at all. Without them every job runs on the thread that submits it, one at a time
    /// and each in a commit of its own: for a process that has one thing to do.
    pub threads: bool,
    /// How long to wait for another process that writes to the file before jobs are refused.
    pub busy_timeout: Duration,
    /// How many pages of 4 KiB the write-ahead log may hold before they are moved into the file.
    pub log_pages: u32,
    /// The greatest size of the file in pages of 4 KiB; beyond it the disk counts as full. `None`: no bound.
    pub max_pages: Option<u32>,
}

impl Default for Options {
    /// Loop's own tables and [`Options::new`]'s defaults.
    fn default() -> Self {
        Self { migrations: MIGRATIONS, ..Self::new(engine::CATALOG) }
    }
}

impl Options {
    /// Tables of one's own, with these defaults: full durability, two readers, 4,096 waiting jobs per lane, 512 jobs in a commit, 5 seconds
    /// of patience with other processes, 16 MiB of log.
    #[must_use]
    pub const fn new(catalog: Catalog) -> Self {
        Self {
            catalog,
            migrations: &[],
            durability: Durability::Full,
            read_only: false,
            check: true,
            queue_depth: 4096,
            batch_max: 512,
            readers: 2,
            threads: true,
            busy_timeout: Duration::from_secs(5),
            log_pages: 4096,
            max_pages: None,
        }
    }
}
