//! Where the server listens: a TCP address or a Unix socket.

use std::{
    fmt, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    str::FromStr,
};

use tokio::net::{TcpListener, UnixListener};

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;

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
    /// A Unix socket and its path, which is removed at the end.
    Unix(UnixListener, PathBuf),
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
    /// Opens the socket. A Unix socket that nobody serves any more is replaced.
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
            Listen::Unix(path) => Ok(Self::Unix(unix(path)?, path.clone())),
        }
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn bound(&self) -> io::Result<Bound> {
        Ok(match self {
            Self::Tcp(listener) => Bound::Tcp(listener.local_addr()?),
            Self::Unix(_, path) => Bound::Unix(path.clone()),
        })
    }
}

fn tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { tokio::net::TcpSocket::new_v4()? } else { tokio::net::TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn unix(path: &Path) -> io::Result<UnixListener> {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};
    if let Ok(found) = std::fs::symlink_metadata(path) {
        if !found.file_type().is_socket() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "a file that is no socket is in the way"));
        }
        match std::os::unix::net::UnixStream::connect(path) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path)?,
            _ => return Err(io::Error::new(io::ErrorKind::AddrInUse, "another server listens there")),
        }
    }
    let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None)?;
    socket.bind(&socket2::SockAddr::unix(path)?)?;
    // Nobody can connect before `listen`, so there is no moment in which others may.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    socket.listen(i32::try_from(BACKLOG).unwrap_or(i32::MAX))?;
    socket.set_nonblocking(true)?;
    UnixListener::from_std(std::os::fd::OwnedFd::from(socket).into())
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Self::Unix(_, path) = self {
            // A socket file left behind is replaced at the next start.
            let _ = std::fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

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
}
