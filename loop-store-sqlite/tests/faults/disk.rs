//! Disks that are full or fail, and files that may not be written.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use loop_core::{
    base::Code,
    store::{Lane, StoreError, StoreExt, conformance::catalog::BARE},
};
use loop_store_sqlite::{Options, SqliteStore};
use rusqlite::Connection;

use crate::file::{folder, hold, ids, open, options, put, tenant};

/// Names the file to the processes below.
const FILE: &str = "LOOP_FAULTS_TEST_FILE";

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
fn a_folder_that_is_not_there_is_told() {
    let (folder, _file) = folder();
    let found = SqliteStore::open(folder.path().join("nowhere/loop.db"), options());
    assert!(matches!(found, Err(StoreError::Unavailable(_))));
}

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
    child.args(["disk::child_without_rights", "--exact", "--ignored", "--nocapture"]).env(FILE, &file);
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
    child.arg(env::current_exe().unwrap()).args([
        "disk::child_on_a_failing_disk",
        "--exact",
        "--ignored",
        "--nocapture",
    ]);
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
