//! What goes wrong around a file gives a clear error, loses nothing acknowledged, and is over when it is over.

#![cfg(test)]

use std::{
    env, fs,
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use loop_core::{
    base::{Code, TenantId, Time},
    store::{
        Access, Job, JobEnd, Lane, NewEntry, Record, RecordQuery, Store, StoreError, StoreExt, Ticket, Tx,
        conformance::{
            CATALOG,
            catalog::{BARE, DIARY},
        },
    },
};
use loop_store_sqlite::{Depths, Options, SqliteStore};
use rusqlite::Connection;
use tempfile::TempDir;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("loop.db");
    (folder, file)
}

fn options() -> Options {
    Options { busy_timeout: Duration::from_millis(50), ..Options::new(CATALOG) }
}

fn open(file: &Path) -> SqliteStore {
    SqliteStore::open(file, options()).unwrap()
}

fn tenant() -> TenantId {
    TenantId::default_tenant()
}

fn put(store: &SqliteStore, id: &str, size: usize) -> Ticket<Result<(), StoreError>> {
    let (id, body) = (id.to_owned(), "x".repeat(size));
    let record = Record { id, version: 1, created_at: Time::EPOCH, updated_at: Time::EPOCH, columns: Vec::new(), body };
    store.transact("faults.put", Lane::Normal, move |tx| tx.insert(&BARE, &tenant(), &record))
}

fn ids(store: &SqliteStore) -> Vec<String> {
    let all = RecordQuery { limit: u32::MAX, ..Default::default() };
    let found: Result<Vec<Record>, StoreError> =
        store.read("faults.ids", move |tx| tx.list(&BARE, &tenant(), &all)).wait();
    found.unwrap().into_iter().map(|record| record.id).collect()
}

/// Keeps the writer busy until the answer is completed.
fn hold(store: &SqliteStore) -> loop_core::store::Completer<()> {
    let (open, opened) = Ticket::pair();
    let (entered, in_place) = Ticket::pair();
    let mut waits = Some((entered, opened));
    store.submit(Job {
        name: "faults.hold",
        access: Access::Write,
        lane: Lane::Normal,
        run: Box::new(move |_| {
            if let Some((entered, opened)) = waits.take() {
                entered.complete(());
                opened.wait();
            }
            JobEnd::Commit
        }),
        done: Box::new(|_| ()),
    });
    in_place.wait();
    open
}

#[test]
fn a_full_disk_refuses_and_keeps_what_was_acknowledged() {
    let (_folder, file) = folder();
    open(&file).close();
    let pages: u32 = Connection::open(&file).unwrap().pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    let store = SqliteStore::open(&file, Options { max_pages: Some(pages + 40), ..options() }).unwrap();
    let mut kept = Vec::new();
    let mut full = 0;
    for round in 0..20 {
        // Several at once, so that the disk fills up in the middle of a batch.
        let gate = hold(&store);
        let tickets: Vec<_> =
            (0..10).map(|number| format!("{round:02}-{number}")).map(|id| (put(&store, &id, 1500), id)).collect();
        gate.complete(());
        for (ticket, id) in tickets {
            match ticket.wait() {
                Ok(()) => kept.push(id),
                Err(StoreError::Full) => full += 1,
                Err(other) => panic!("`{id}`: {other}"),
            }
        }
    }
    assert!(full > 0 && !kept.is_empty());
    assert_eq!(ids(&store), kept);
    // Space that is freed can be used again.
    let gone: Vec<String> = kept.drain(..10).collect();
    let freed = store.transact("faults.free", Lane::Normal, move |tx| {
        gone.iter().try_for_each(|id| tx.delete(&BARE, &tenant(), id).map(drop))
    });
    assert_eq!(freed.wait(), Ok::<(), StoreError>(()));
    assert_eq!(put(&store, "zz", 1500).wait(), Ok(()));
    kept.push("zz".to_owned());
    drop(store);
    assert_eq!(ids(&open(&file)), kept);
}

#[test]
fn the_log_is_moved_into_the_file_while_the_store_is_open() {
    let (_folder, file) = folder();
    let store = SqliteStore::open(&file, Options { log_pages: 10, ..options() }).unwrap();
    for number in 0..300 {
        assert_eq!(put(&store, &format!("{number:03}"), 1000).wait(), Ok(()));
    }
    let log = fs::metadata(file.with_extension("db-wal")).unwrap().len();
    assert!(log < 100 * 4096, "the log holds {log} bytes");
    assert!(fs::metadata(&file).unwrap().len() > 300 * 1000, "the file holds too little");
    assert_eq!(ids(&store).len(), 300);
}

#[test]
fn a_locked_file_refuses_writes_and_serves_reads_until_it_is_free() {
    let (_folder, file) = folder();
    let store = open(&file);
    assert_eq!(put(&store, "a", 1).wait(), Ok(()));
    let other = Connection::open(&file).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    assert!(matches!(put(&store, "b", 1).wait(), Err(StoreError::Unavailable(_))));
    assert_eq!(ids(&store), ["a"]);
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(put(&store, "c", 1).wait(), Ok(()));
    assert_eq!(ids(&store), ["a", "c"]);
}

#[test]
fn a_new_file_that_another_process_holds_cannot_be_opened() {
    let (_folder, file) = folder();
    let other = Connection::open(&file).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    assert!(matches!(SqliteStore::open(&file, options()), Err(StoreError::Unavailable(_))));
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(ids(&open(&file)), [""; 0]);
}

#[test]
fn a_full_queue_refuses_at_once_and_keeps_the_rest() {
    let (_folder, file) = folder();
    let store = SqliteStore::open(&file, Options { queue_depth: 3, ..options() }).unwrap();
    let gate = hold(&store);
    let waiting: Vec<_> = ["a", "b", "c"].iter().map(|id| put(&store, id, 1)).collect();
    // The writer is held, so only a refusal can end these.
    for id in ["d", "e"] {
        assert!(matches!(put(&store, id, 1).wait(), Err(StoreError::Unavailable(_))));
    }
    let urgent: Ticket<Result<u64, StoreError>> =
        store.transact("faults.urgent", Lane::Decision, |tx| tx.bump_epoch(&tenant()));
    gate.complete(());
    assert_eq!(urgent.wait(), Ok(1));
    for ticket in waiting {
        assert_eq!(ticket.wait(), Ok(()));
    }
    assert_eq!(ids(&store), ["a", "b", "c"]);
}

#[test]
fn what_waits_and_what_was_done_is_counted() {
    let (_folder, file) = folder();
    let store = open(&file);
    let before = store.stats();
    let gate = hold(&store);
    let tickets: Vec<_> = (0..5).map(|id| put(&store, &format!("{id}"), 1)).collect();
    assert_eq!(store.stats().writes, Depths { normal: 5, ..Depths::default() });
    gate.complete(());
    assert!(tickets.into_iter().all(|ticket| ticket.wait().is_ok()));
    store.close();
    let after = store.stats();
    assert_eq!((after.writes, after.reads), Default::default());
    // The one that held the writer, and the five behind it, together or not.
    assert_eq!(after.batches.sum - before.batches.sum, 6);
    assert!((2..=6).contains(&(after.batches.count - before.batches.count)), "{after:?}");
    assert_eq!(after.batches.count, after.commits.count);
    assert!(after.commits.sum > before.commits.sum);
}

#[test]
fn closing_ends_what_was_submitted_and_refuses_the_rest() {
    let (_folder, file) = folder();
    let store = Arc::new(open(&file));
    let gate = hold(&store);
    let waiting: Vec<_> = (0..50).map(|number| put(&store, &format!("{number:02}"), 1)).collect();
    let closing = Arc::clone(&store);
    let closer = thread::spawn(move || closing.close());
    gate.complete(());
    closer.join().unwrap();
    assert!(waiting.into_iter().all(|ticket| ticket.wait().is_ok()));
    assert!(matches!(put(&store, "late", 1).wait(), Err(StoreError::Unavailable(_))));
    let read: Result<u64, StoreError> = store.read("faults.late", |tx| tx.epoch(&tenant())).wait();
    assert!(matches!(read, Err(StoreError::Unavailable(_))));
    assert_eq!(ids(&open(&file)).len(), 50);
    assert!(!file.with_extension("db-wal").exists(), "the log was not moved into the file");
}

#[test]
fn a_store_may_be_dropped_by_a_done() {
    let (_folder, file) = folder();
    let store = Arc::new(open(&file));
    let (completer, ticket) = Ticket::pair();
    let gate = hold(&store);
    let last = Arc::clone(&store);
    store.submit(Job {
        name: "faults.last",
        access: Access::Write,
        lane: Lane::Normal,
        run: Box::new(|_| JobEnd::Commit),
        done: Box::new(move |outcome| {
            drop(last);
            completer.complete(outcome);
        }),
    });
    drop(store);
    gate.complete(());
    assert_eq!(ticket.wait(), Ok(()));
}

#[test]
fn a_file_from_a_newer_program_is_refused_unchanged() {
    let (_folder, file) = folder();
    let store = open(&file);
    assert_eq!(put(&store, "a", 1).wait(), Ok(()));
    drop(store);
    let set = |version: u32| Connection::open(&file).unwrap().pragma_update(None, "user_version", version).unwrap();
    set(7);
    assert_eq!(SqliteStore::open(&file, options()).err(), Some(StoreError::Newer { found: 7, known: 1 }));
    set(1);
    assert_eq!(ids(&open(&file)), ["a"]);
}

#[test]
fn migrations_run_in_order_and_once() {
    const FIRST: &str = "CREATE TABLE epochs (tenant TEXT NOT NULL PRIMARY KEY, epoch INTEGER NOT NULL UNIQUE) STRICT;";
    const SECOND: &str = "INSERT INTO epochs VALUES ('second', 2);";
    const BROKEN: &str = "INSERT INTO epochs VALUES ('broken', 3); SELECT * FROM nowhere;";
    const NOTHING: loop_core::store::Catalog =
        loop_core::store::Catalog { tables: &[], journals: &[], queues: &[], spans: &[], ledgers: &[], terms: &[] };
    let (_folder, file) = folder();
    let open = |migrations| SqliteStore::open(&file, Options { migrations, ..Options::new(NOTHING) });
    let epoch = |store: &SqliteStore, name: &'static str| -> Result<u64, StoreError> {
        store.read("faults.epoch", move |tx| tx.epoch(&TenantId::from_storage(name))).wait()
    };
    assert_eq!(epoch(&open(&[FIRST]).unwrap(), "second"), Ok(0));
    assert!(open(&[FIRST, SECOND, BROKEN]).is_err());
    // The failed script took the one before it with it.
    assert_eq!(epoch(&open(&[FIRST]).unwrap(), "second"), Ok(0));
    assert_eq!(epoch(&open(&[FIRST, SECOND]).unwrap(), "second"), Ok(2));
    assert_eq!(epoch(&open(&[FIRST, SECOND]).unwrap(), "broken"), Ok(0));
    assert_eq!(open(&[FIRST]).err(), Some(StoreError::Newer { found: 2, known: 1 }));
}

#[test]
fn a_damaged_or_foreign_file_is_refused() {
    let corrupt = |file: &Path| matches!(SqliteStore::open(file, options()), Err(StoreError::Corrupt(_)));
    let (_folder, file) = folder();

    fs::write(&file, "a text, not a database, and long enough to have a header of its own".repeat(99)).unwrap();
    assert!(corrupt(&file), "a text");
    fs::remove_file(&file).unwrap();

    let other = Connection::open(&file).unwrap();
    other.execute_batch("CREATE TABLE theirs (a)").unwrap();
    drop(other);
    assert!(corrupt(&file), "another program's");
    fs::remove_file(&file).unwrap();

    let store = open(&file);
    for number in 0..200 {
        assert_eq!(put(&store, &format!("{number:03}"), 300).wait(), Ok(()));
    }
    drop(store);
    let sound = fs::read(&file).unwrap();

    for page in [1, sound.len() / 4096 / 2, sound.len() / 4096 - 1] {
        let mut handle = fs::OpenOptions::new().write(true).open(&file).unwrap();
        handle.seek(SeekFrom::Start(page as u64 * 4096)).unwrap();
        handle.write_all(&[0xa5; 512]).unwrap();
        drop(handle);
        assert!(corrupt(&file), "page {page} overwritten");
        fs::write(&file, &sound).unwrap();
    }

    fs::write(&file, &sound[..sound.len() / 2]).unwrap();
    assert!(corrupt(&file), "cut off");
    fs::write(&file, &sound).unwrap();

    Connection::open(&file).unwrap().execute_batch("DROP TABLE bare").unwrap();
    assert!(corrupt(&file), "a table missing");
    fs::write(&file, &sound).unwrap();

    assert_eq!(ids(&open(&file)).len(), 200);
}

#[test]
fn damage_behind_an_open_store_is_told() {
    let (_folder, file) = folder();
    let store = open(&file);
    assert_eq!(put(&store, "a", 1).wait(), Ok(()));
    // What another program may do to the file: a body that is no text any more.
    let other = Connection::open(&file).unwrap();
    other.execute_batch("UPDATE bare SET body = CAST(x'ff' AS TEXT)").unwrap();
    let read = |store: &SqliteStore| -> Result<Option<Record>, StoreError> {
        store.read("faults.get", |tx| tx.get(&BARE, &tenant(), "a")).wait()
    };
    assert!(matches!(read(&store), Err(StoreError::Corrupt(_))));
    // A job that shrugs off such an error does not commit either.
    let shrug: Result<(), StoreError> = store
        .transact("faults.shrug", Lane::Normal, |tx| {
            let _ = tx.get(&BARE, &tenant(), "a");
            let _ = tx.bump_epoch(&tenant());
            Ok(())
        })
        .wait();
    assert!(matches!(shrug, Err(StoreError::Corrupt(_))));
    let epoch: Result<u64, StoreError> = store.read("faults.epoch", |tx| tx.epoch(&tenant())).wait();
    assert_eq!(epoch, Ok(0));
}

#[test]
fn a_store_opened_read_only_reads_and_refuses_writes() {
    let (_folder, file) = folder();
    let missing = SqliteStore::open(&file, Options { read_only: true, ..options() });
    assert!(missing.is_err());
    let store = open(&file);
    assert_eq!(put(&store, "a", 1).wait(), Ok(()));
    drop(store);
    let store = SqliteStore::open(&file, Options { read_only: true, ..options() }).unwrap();
    assert_eq!(put(&store, "b", 1).wait(), Err(StoreError::ReadOnly));
    assert_eq!(ids(&store), ["a"]);
    // Beside a writer it sees what is written.
    let writer = open(&file);
    assert_eq!(put(&writer, "c", 1).wait(), Ok(()));
    assert_eq!(ids(&store), ["a", "c"]);
}

#[test]
fn a_folder_that_is_not_there_is_told() {
    let (folder, _file) = folder();
    let found = SqliteStore::open(folder.path().join("nowhere/loop.db"), options());
    assert!(matches!(found, Err(StoreError::Unavailable(_))));
}

const FILE: &str = "LOOP_FAULTS_TEST_FILE";

/// The rights of files do not bind root, so the check runs in a process of its own without them.
#[cfg(unix)]
#[test]
fn a_file_or_folder_without_write_permission_is_read_only() {
    use std::os::unix::{fs::PermissionsExt, process::CommandExt};
    let (folder, file) = folder();
    open(&file).close();
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    set(&file, 0o444);
    set(folder.path(), 0o555);
    // The program itself may stand where only root can reach it.
    let program = tempfile::tempdir().unwrap();
    set(program.path(), 0o755);
    let copy = program.path().join("child");
    fs::copy(env::current_exe().unwrap(), &copy).unwrap();
    let mut child = Command::new(copy);
    child.args(["child_without_rights", "--exact", "--ignored", "--nocapture"]).env(FILE, &file);
    let root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    if root {
        child.uid(65534).gid(65534);
    }
    let output = child.current_dir("/").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    set(folder.path(), 0o755);
}

#[test]
#[ignore = "the process that the test above starts"]
fn child_without_rights() {
    let file = PathBuf::from(env::var_os(FILE).unwrap());
    assert_eq!(SqliteStore::open(&file, options()).err(), Some(StoreError::ReadOnly));
    assert_eq!(SqliteStore::open(file.with_file_name("new.db"), options()).err(), Some(StoreError::ReadOnly));
}

/// How large a file the process below may write, in bytes; beyond it the machine refuses as a failing disk does.
#[cfg(unix)]
const FILE_MAX: usize = 256 * 1024;

#[cfg(unix)]
#[test]
fn a_disk_that_fails_refuses_and_keeps_what_was_acknowledged() {
    let (_folder, file) = folder();
    open(&file).close();
    let mut child = Command::new("sh");
    // In blocks of 512 bytes; the signal is ignored so that writes fail with an error.
    child.args(["-c", &format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", FILE_MAX / 512)]);
    child.arg(env::current_exe().unwrap()).args(["child_on_a_failing_disk", "--exact", "--ignored", "--nocapture"]);
    let output = child.env(FILE, &file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8(output.stdout).unwrap();
    let kept: Vec<&str> = told.lines().filter_map(|line| line.strip_prefix("kept ")).collect();
    assert!(!kept.is_empty(), "{told}");
    assert_eq!(ids(&open(&file)), kept);
}

#[cfg(unix)]
#[test]
#[ignore = "the process that the test above starts"]
fn child_on_a_failing_disk() {
    let file = PathBuf::from(env::var_os(FILE).unwrap());
    let store = SqliteStore::open(&file, Options { log_pages: u32::MAX, ..options() }).unwrap();
    let mut kept = Vec::new();
    let mut failed = 0;
    for round in 0..20 {
        let gate = hold(&store);
        let tickets: Vec<_> =
            (0..4).map(|number| format!("{round:02}-{number}")).map(|id| (put(&store, &id, 8_000), id)).collect();
        gate.complete(());
        for (ticket, id) in tickets {
            match ticket.wait() {
                Ok(()) => kept.push(id),
                Err(error) => {
                    assert_eq!((error.code(), error), (Code::Unavailable, StoreError::Io("writing")), "`{id}`");
                    failed += 1;
                }
            }
        }
    }
    assert!(failed > 0 && !kept.is_empty());
    assert_eq!(ids(&store), kept, "what was acknowledged can be read");
    println!();
    kept.iter().for_each(|id| println!("kept {id}"));
}

#[test]
fn two_stores_on_one_file_take_turns_and_see_each_other() {
    let (_folder, file) = folder();
    let patient = || Options { busy_timeout: Duration::from_secs(20), ..Options::new(CATALOG) };
    let stores: Vec<_> = (0..2).map(|_| Arc::new(SqliteStore::open(&file, patient()).unwrap())).collect();
    let threads: Vec<_> = stores
        .iter()
        .map(|store| {
            let store = Arc::clone(store);
            thread::spawn(move || {
                for _ in 0..60 {
                    let appended: Result<(), StoreError> = store
                        .transact("faults.append", Lane::Normal, |tx| {
                            let seq = tx.head(&DIARY, &tenant(), "s")?.map_or(1, |head| head.seq + 1);
                            let entry = NewEntry { seq, at: Time::EPOCH, columns: [].into(), body: "" };
                            tx.append(&DIARY, &tenant(), "s", &entry)
                        })
                        .wait();
                    assert_eq!(appended, Ok(()));
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    for (store, other) in [(&stores[0], &stores[1]), (&stores[1], &stores[0])] {
        let bumped: Result<u64, StoreError> =
            store.transact("faults.bump", Lane::Normal, |tx| tx.bump_epoch(&tenant())).wait();
        let seen: Result<u64, StoreError> =
            other.transact("faults.epoch", Lane::Normal, |tx| tx.epoch(&tenant())).wait();
        assert_eq!(seen, bumped);
        let head: Result<Option<u64>, StoreError> =
            other.read("faults.head", |tx| Ok(tx.head(&DIARY, &tenant(), "s")?.map(|head| head.seq))).wait();
        assert_eq!(head, Ok(Some(120)));
    }
}

#[test]
fn another_process_gets_its_turn_while_the_store_is_busy_all_the_time() {
    let (_folder, file) = folder();
    let busy = Arc::new(SqliteStore::open(&file, Options::new(CATALOG)).unwrap());
    let other = SqliteStore::open(&file, Options::new(CATALOG)).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let bump = |tx: &mut dyn Tx| tx.bump_epoch(&tenant());
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (busy, stop) = (Arc::clone(&busy), Arc::clone(&stop));
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let tickets: Vec<Ticket<Result<u64, StoreError>>> =
                        (0..32).map(|_| busy.transact("faults.busy", Lane::Normal, bump)).collect();
                    assert!(tickets.into_iter().all(|ticket| ticket.wait().is_ok()));
                }
            })
        })
        .collect();
    let turns: Vec<Result<u64, StoreError>> =
        (0..20).map(|_| other.transact("faults.turn", Lane::Normal, bump).wait()).collect();
    stop.store(true, Ordering::Relaxed);
    for thread in threads {
        thread.join().unwrap();
    }
    assert!(turns.iter().all(Result::is_ok), "{turns:?}");
    assert!(turns.is_sorted_by(|a, b| a.as_ref().ok() < b.as_ref().ok()));
}
