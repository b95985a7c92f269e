//! A file of checkpoints: one JSON line each, appended and synced. Kept away from the database it reveals a log
//! whose tail was cut or whose chain was rewritten.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use loop_core::{
    access::{AccessError, tenant},
    audit::{Checkpoint, checkpoints},
    base::TenantId,
    engine::Engine,
    store::StoreExt,
};

use super::Stop;

/// How often the ends of the log are written.
pub const PAUSE: Duration = Duration::from_secs(60);
/// How many tenants are read at once.
const TENANTS: u32 = 100;
/// How many streams are remembered as written; past it they are written once more.
const KNOWN_MAX: usize = 100_000;

/// Writes the end of every stream that grew, every `pause` and once more at the stop.
pub async fn run(engine: Engine, file: CheckpointFile, pause: Duration, mut stop: Stop) {
    let mut known = BTreeMap::new();
    loop {
        let last = stop.is_asked();
        if let Err(error) = pass(&engine, &file, &mut known).await {
            tracing::error!(target: "loop::worker", %error, "checkpoints cannot be written");
            metrics::counter!("loop_checkpoint_failures_total").increment(1);
        }
        if last {
            return;
        }
        stop.sleep(pause).await;
    }
}

/// The number of the last entry written, by tenant and stream.
type Known = BTreeMap<(TenantId, String), u64>;

#[derive(Debug, thiserror::Error)]
enum PassError {
    #[error(transparent)]
    Read(#[from] AccessError),
    #[error("the file cannot be written: {0}")]
    Write(#[from] io::Error),
    #[error("a checkpoint cannot be put into words: {0}")]
    Words(#[from] serde_json::Error),
}

async fn pass(engine: &Engine, file: &CheckpointFile, known: &mut Known) -> Result<(), PassError> {
    let (now, master) = (engine.now(), engine.master().clone());
    let mut after: Option<TenantId> = None;
    loop {
        let (from, master) = (after.take(), master.clone());
        let (last, ends) = engine
            .store()
            .read("checkpoints", move |tx| {
                let page = tenant::page(tx, from.as_ref(), TENANTS)?;
                let mut ends = Vec::new();
                for stored in &page {
                    ends.extend(checkpoints(tx, &stored.value.id, &master, now)?);
                }
                let full = page.len() >= TENANTS as usize;
                let last = page.into_iter().last().filter(|_| full).map(|stored| stored.value.id);
                Ok::<_, AccessError>((last, ends))
            })
            .await?;
        let seen = |end: &Checkpoint| (end.tenant.clone(), end.stream.clone());
        let grown: Vec<Checkpoint> = ends.into_iter().filter(|end| known.get(&seen(end)) != Some(&end.seq)).collect();
        let lines = grown.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
        let file = file.clone();
        tokio::task::spawn_blocking(move || file.append(&lines)).await.map_err(io::Error::other)??;
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.extend(grown.iter().map(|end| (seen(end), end.seq)));
        match last {
            Some(last) => after = Some(last),
            None => return Ok(()),
        }
    }
}

/// The file, opened for each batch: it may be moved away between two.
#[derive(Debug, Clone)]
pub struct CheckpointFile {
    path: PathBuf,
}

impl CheckpointFile {
    /// The file at `path`; made with the first batch.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Appends lines (without line breaks in them) and returns when they are on the disk.
    ///
    /// A line that a crash or a full disk cut off is removed first: it was never acknowledged.
    ///
    /// # Errors
    /// When the file cannot be opened, written or synced; some of the lines may stand in it.
    pub fn append(&self, lines: &[String]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let is_new = !self.path.exists();
        let mut file = options().open(&self.path)?;
        mend(&mut file)?;
        let mut text = String::new();
        for line in lines {
            if line.contains('\n') {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "a checkpoint holds a line break"));
            }
            text.push_str(line);
            text.push('\n');
        }
        file.write_all(text.as_bytes())?;
        file.sync_data()?;
        if is_new { sync_folder(&self.path) } else { Ok(()) }
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// How far back the start of a torn line is looked for, in bytes; our lines are far shorter.
const TORN_MAX: u64 = 64 << 10;

/// How a checkpoint begins.
const LINE_START: &[u8] = br#"{"tenant":""#;

/// Cuts off what stands behind the last line break.
fn mend(file: &mut File) -> io::Result<()> {
    let length = file.metadata()?.len();
    let from = length.saturating_sub(TORN_MAX);
    file.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    file.take(TORN_MAX).read_to_end(&mut tail)?;
    let kept = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at.saturating_add(1));
    let keep = from.saturating_add(u64::try_from(kept).unwrap_or(u64::MAX));
    if keep == length {
        return Ok(());
    }
    // A file without line breaks may be anything; only what began as a checkpoint is cut.
    let torn = tail.get(kept..).unwrap_or_default();
    if !torn.starts_with(LINE_START) && !LINE_START.starts_with(torn) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the file does not end as a file of checkpoints does"));
    }
    file.set_len(keep)
}

/// A new file's name is durable only once its folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::CheckpointFile;

    #[test]
    fn lines_are_appended_and_a_torn_one_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoints.jsonl");
        let file = CheckpointFile::new(&path);
        file.append(&[]).unwrap();
        assert!(!path.exists());
        let line = |seq: u64| format!(r#"{{"tenant":"default","seq":{seq}}}"#);
        file.append(&[line(1), line(2)]).unwrap();
        let whole = std::fs::read_to_string(&path).unwrap();
        for torn in [r#"{"te"#, r#"{"tenant":"defau"#, &line(3)] {
            std::fs::write(&path, format!("{whole}{torn}")).unwrap();
            file.append(&[line(4)]).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{whole}{}\n", line(4)));
        }
    }

    #[test]
    fn a_file_of_something_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        for other in [vec![0_u8; 100_000], b"precious".to_vec(), br#"{"precious":1}"#.to_vec()] {
            std::fs::write(&path, &other).unwrap();
            assert!(CheckpointFile::new(&path).append(&["{}".into()]).is_err());
            assert_eq!(std::fs::read(&path).unwrap(), other);
        }
    }

    #[test]
    fn a_file_that_cannot_be_written_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(CheckpointFile::new(folder.path()).append(&["{}".into()]).is_err());
        assert!(CheckpointFile::new(folder.path().join("none/x")).append(&["{}".into()]).is_err());
        assert!(CheckpointFile::new(folder.path().join("x")).append(&["a\nb".into()]).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_its_owner_s_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        CheckpointFile::new(&path).append(&["{}".into()]).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
