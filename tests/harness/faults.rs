//! A server that fails by script: what a real one does not do on demand.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use nix::{libc, sys::socket};

use super::{
    http::{Request, Response},
    listener::Listener,
};

/// A part of an answer.
pub(crate) enum Step {
    /// These bytes.
    Send(Vec<u8>),
    /// Nothing for so long.
    Wait(Duration),
    /// So many bytes of filling, as fast as they are taken.
    Flood(usize),
    /// Nothing more until the peer gives up.
    Hold,
    /// An end of the connection by a reset.
    Reset,
}

/// Answers by a script, which is given the request and how many came before it. What it does not
/// end by itself ends with the connection.
pub(crate) fn start(
    script: impl Fn(&Request, usize) -> Vec<Step> + Send + Sync + 'static,
) -> Listener {
    let count = AtomicUsize::new(0);
    Listener::start(move |request, stream| {
        for step in script(request, count.fetch_add(1, Ordering::SeqCst)) {
            match step {
                Step::Send(bytes) => stream.write_all(&bytes)?,
                Step::Wait(time) => thread::sleep(time),
                Step::Flood(count) => flood(stream, count)?,
                Step::Hold => {
                    let _ = stream.read(&mut [0]);
                }
                Step::Reset => {
                    let linger = libc::linger {
                        l_onoff: 1,
                        l_linger: 0,
                    };
                    socket::setsockopt(stream, socket::sockopt::Linger, &linger)?;
                }
            }
        }
        Ok(false)
    })
}

/// A whole response.
pub(crate) fn reply(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Vec<Step> {
    let headers = headers
        .iter()
        .chain(&[("connection", "close")])
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let response = Response {
        status,
        headers: headers.collect(),
        body: body.as_ref().to_vec(),
    };
    vec![Step::Send(response.to_bytes())]
}

/// The head of a response whose body is said to be so long.
pub(crate) fn head(status: u16, length: usize) -> Step {
    Step::Send(format!("HTTP/1.1 {status} -\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n").into_bytes())
}

fn flood(stream: &mut TcpStream, count: usize) -> io::Result<()> {
    let block = vec![b'x'; 1 << 16];
    let mut left = count;
    while left > 0 {
        let length = left.min(block.len());
        stream.write_all(&block[..length])?;
        left -= length;
    }
    Ok(())
}
