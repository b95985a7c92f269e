//! Where the server listens: a TCP address or a Unix socket.

use std::{
    fmt,
    fs::{self, File, Permissions, TryLockError},
    io,
    net::SocketAddr,
    os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use socket2::{Domain, SockAddr, Socket, Type};

use tokio::net::{TcpListener, UnixListener};

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;
/// How often, and after which pause each time, the folder of a socket is asked for: two seconds in all.
const TRIES: u32 = 200;
/// See [`TRIES`].
const PAUSE: Duration = Duration::from_millis(10);

/// An address as configured: `127.0.0.1:4242`, `localhost:4242`, `[::]:4242` or `unix:PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// Host and port.
    Tcp(String),
    /// The path of a socket, which only this user may open.
    Unix(PathBuf),
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.is_empty() { Err("`unix:` needs a path".to_owned()) } else { Ok(Self::Unix(path.into())) };
        }
        match text.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(Self::Tcp(text.to_owned())),
            _ => Err(format!("`{text}` is neither `HOST:PORT` nor `unix:PATH`")),
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => f.write_str(address),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// An open listening socket.
#[derive(Debug)]
pub enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// A Unix socket and its file. The file is removed first: as long as somebody listens, nobody else replaces it.
    Unix(SocketFile, UnixListener),
}

/// The file of a socket of ours.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    /// Its device and number. Another file under the same path is somebody else's.
    is: Option<(u64, u64)>,
}

/// Where a listener was bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    /// The address, its port filled in.
    Tcp(SocketAddr),
    /// The path.
    Unix(PathBuf),
}

impl Bound {
    /// The base URL for local use; empty for a Unix socket.
    #[must_use]
    pub fn url(&self) -> String {
        match self {
            Self::Tcp(address) if address.ip().is_unspecified() => format!("http://127.0.0.1:{}", address.port()),
            Self::Tcp(address) => format!("http://{address}"),
            Self::Unix(_) => String::new(),
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "http://{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Listener {
    /// Opens the socket. A Unix socket that nobody serves any more is replaced; of several servers that try at once,
    /// one does.
    ///
    /// # Errors
    /// An address that does not resolve or is in use.
    pub async fn bind(listen: &Listen) -> io::Result<Self> {
        match listen {
            Listen::Tcp(address) => {
                let mut last = io::Error::new(io::ErrorKind::AddrNotAvailable, "the name has no address");
                for address in tokio::net::lookup_host(address.as_str()).await? {
                    match tcp(address) {
                        Ok(listener) => return Ok(Self::Tcp(listener)),
                        Err(error) => last = error,
                    }
                }
                Err(last)
            }
            Listen::Unix(path) => {
                // Finding a socket that nobody serves, removing it and serving another is one step for all of us.
                let _folder = match folder(path).await {
                    // Anybody may lock a shared folder. With nothing there that could be replaced, binding is one step.
                    Err(_) if fs::symlink_metadata(path).is_err() => None,
                    folder => Some(folder?),
                };
                let listener = unix(path)?;
                Ok(Self::Unix(SocketFile { path: path.clone(), is: identity(path) }, listener))
            }
        }
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn bound(&self) -> io::Result<Bound> {
        Ok(match self {
            Self::Tcp(listener) => Bound::Tcp(listener.local_addr()?),
            Self::Unix(file, _) => Bound::Unix(file.path.clone()),
        })
    }
}

fn tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { tokio::net::TcpSocket::new_v4()? } else { tokio::net::TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Waits for the lock on a socket's folder, which holds until the answer is dropped. A file of its own for the lock
/// would be left behind.
async fn folder(path: &Path) -> io::Result<File> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = File::open(folder)?;
    for _ in 0..TRIES {
        match folder.try_lock() {
            Ok(()) => return Ok(folder),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(PAUSE).await,
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, "another process keeps the folder locked"))
}

fn unix(path: &Path) -> io::Result<UnixListener> {
    let address = SockAddr::unix(path)?;
    if let Ok(found) = fs::symlink_metadata(path) {
        if !found.file_type().is_socket() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "a file that is no socket is in the way"));
        }
        let knock = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        // A server whose queue is full would not answer for long. It is there all the same.
        knock.set_nonblocking(true)?;
        match knock.connect(&address) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path)?,
            _ => return Err(io::Error::new(io::ErrorKind::AddrInUse, "another server listens there")),
        }
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&address)?;
    // Nobody can connect before `listen`, so there is no moment in which others may.
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    socket.listen(i32::try_from(BACKLOG).unwrap_or(i32::MAX))?;
    socket.set_nonblocking(true)?;
    UnixListener::from_std(std::os::fd::OwnedFd::from(socket).into())
}

/// What tells a file from another one; `None` when there is none.
fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.is.is_some() && identity(&self.path) == self.is {
            // A socket file left behind is replaced at the next start.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt, sync::Barrier, thread};

    use super::{Listen, Listener};

    #[test]
    fn addresses_are_read() {
        assert_eq!("127.0.0.1:4242".parse(), Ok(Listen::Tcp("127.0.0.1:4242".to_owned())));
        assert_eq!("unix:/run/loop".parse(), Ok(Listen::Unix("/run/loop".into())));
        for bad in ["", "4242", ":4242", "host", "host:99999", "unix:"] {
            assert!(bad.parse::<Listen>().is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("loop.sock");
        let listen = Listen::Unix(path.clone());
        drop(std::os::unix::net::UnixListener::bind(&path).expect("bound"));
        assert!(path.exists(), "std leaves the file behind");

        let live = Listener::bind(&listen).await.expect("the stale one is replaced");
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(Listener::bind(&listen).await.map(|_| ()).map_err(|e| e.kind()), Err(std::io::ErrorKind::AddrInUse));
        drop(live);
        assert!(!path.exists());

        std::fs::write(&path, "a file of somebody's").expect("written");
        assert!(Listener::bind(&listen).await.is_err());
        assert!(path.exists());
    }

    #[test]
    fn of_many_that_start_at_once_one_gets_the_socket_and_keeps_it() {
        const SERVERS: usize = 6;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("loop.sock");
        for round in 0..200 {
            drop(std::os::unix::net::UnixListener::bind(&path).expect("bound"));
            let start = Barrier::new(SERVERS);
            let bound: Vec<_> = thread::scope(|scope| {
                let server = || {
                    let own = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
                    start.wait();
                    let bound = own.block_on(Listener::bind(&Listen::Unix(path.clone())));
                    bound.ok().map(|listener| (own, listener))
                };
                let servers: Vec<_> = (0..SERVERS).map(|_| scope.spawn(server)).collect();
                servers.into_iter().filter_map(|server| server.join().expect("no panic")).collect()
            });
            assert_eq!(bound.len(), 1, "round {round}");
            std::os::unix::net::UnixStream::connect(&path).expect("whoever got it is reached");
            drop(bound);
            assert!(!path.exists(), "round {round}");
        }
    }

    #[tokio::test]
    async fn a_server_that_ends_leaves_the_socket_of_another_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("loop.sock");
        let first = Listener::bind(&Listen::Unix(path.clone())).await.expect("bound");
        std::fs::remove_file(&path).expect("somebody tidied up");
        let second = Listener::bind(&Listen::Unix(path.clone())).await.expect("bound");
        drop(first);
        std::os::unix::net::UnixStream::connect(&path).expect("it is still there");
        drop(second);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_server_whose_queue_is_full_is_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("loop.sock");
        let busy = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).expect("a socket");
        busy.bind(&socket2::SockAddr::unix(&path).expect("an address")).expect("bound");
        busy.listen(0).expect("listens");
        let _waiting = std::os::unix::net::UnixStream::connect(&path).expect("queued");
        let refused = Listener::bind(&Listen::Unix(path.clone())).await.map(|_| ()).map_err(|error| error.kind());
        assert_eq!(refused, Err(std::io::ErrorKind::AddrInUse));
        assert!(path.exists());
    }
}
