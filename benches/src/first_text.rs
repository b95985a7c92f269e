//! How soon the first text of a stream comes: one client, one request after the other over a kept connection.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use crate::{
    Outcome,
    report::{Watch, median},
};

/// The longest stream, in bytes.
const LONGEST: usize = 256 << 10;

/// The middle time to the first event, in microseconds.
///
/// # Errors
/// A connection that breaks off, an answer that is no stream.
pub fn run(address: SocketAddr, request: &str, window: Duration) -> Outcome<f64> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_nodelay(true)?;
    let mut buffer = vec![0; LONGEST];
    let mut micros = Vec::new();
    let all = Watch::start();
    while all.elapsed() < window || micros.is_empty() {
        let watch = Watch::start();
        socket.write_all(request.as_bytes())?;
        let (mut filled, mut first) = (0, false);
        loop {
            let room = buffer.get_mut(filled..).filter(|room| !room.is_empty()).ok_or("the stream is too long")?;
            match socket.read(room)? {
                0 => return Err("the connection broke off".into()),
                read => filled += read,
            }
            let so_far = buffer.get(..filled).unwrap_or_default();
            if !first && so_far.windows(6).any(|part| part == b"data: ") {
                micros.push(watch.elapsed().as_secs_f64() * 1e6);
                first = true;
            }
            if so_far.ends_with(b"0\r\n\r\n") {
                break;
            }
        }
        if !first {
            return Err(String::from_utf8_lossy(buffer.get(..filled).unwrap_or_default()).into_owned().into());
        }
    }
    Ok(median(&mut micros))
}
