//! A proxy in front of a real server that counts what passes and can be slow.
//!
//! In reverse for a client that takes it for the server, forward for one that was told of it.

use std::{
    io::{self, Write},
    net::{Shutdown, TcpStream},
    thread,
    time::Duration,
};

use super::{
    http::{self, Request, Response},
    listener::Listener,
};

/// Passes on what is asked of the server at `upstream`, `host:port`.
pub(crate) fn to(upstream: &str) -> Listener {
    with(upstream, |_| None)
}

/// The same; each response comes later by `latency`.
pub(crate) fn slow(upstream: &str, latency: Duration) -> Listener {
    let upstream = upstream.to_owned();
    Listener::start(move |request, stream| {
        let response = ask(request, &upstream, &request.target)?;
        thread::sleep(latency);
        stream.write_all(&response.to_bytes())?;
        Ok(true)
    })
}

/// The same, but for the requests that `instead` answers.
pub(crate) fn with(
    upstream: &str,
    instead: impl Fn(&Request) -> Option<Response> + Send + Sync + 'static,
) -> Listener {
    let upstream = upstream.to_owned();
    Listener::start(move |request, stream| {
        let response = match instead(request) {
            Some(response) => response,
            None => ask(request, &upstream, &request.target)?,
        };
        stream.write_all(&response.to_bytes())?;
        Ok(true)
    })
}

/// The same below a path prefix, as a gateway has it.
pub(crate) fn below(prefix: &'static str, upstream: &str) -> Listener {
    let upstream = upstream.to_owned();
    Listener::start(move |request, stream| {
        let response = match request.target.strip_prefix(prefix) {
            Some(target) => ask(request, &upstream, target)?,
            None => Response {
                status: 404,
                headers: Vec::new(),
                body: b"no such service".to_vec(),
            },
        };
        stream.write_all(&response.to_bytes())?;
        Ok(true)
    })
}

/// The same server by a name that is not of this machine: nothing here goes to it without [`forward`].
pub(crate) fn elsewhere(url: &str) -> String {
    url.replace("127.0.0.1", ELSEWHERE)
}

/// A name that no resolver has (RFC 6761).
const ELSEWHERE: &str = "server.test";

/// A forward proxy: goes where each request says, through a tunnel where it asks for one. It alone
/// knows where [`elsewhere`] is.
pub(crate) fn forward() -> Listener {
    let here = |host: &str| host.replace(ELSEWHERE, "127.0.0.1");
    Listener::start(move |request, stream| {
        if request.method == "CONNECT" {
            tunnel(&here(&request.target), stream)?;
            return Ok(false);
        }
        let rest = request.target.strip_prefix("http://");
        let (host, path) = rest
            .and_then(|rest| rest.split_at_checked(rest.find('/')?))
            .ok_or(io::ErrorKind::InvalidData)?;
        let response = ask(request, &here(host), path)?;
        stream.write_all(&response.to_bytes())?;
        Ok(true)
    })
}

fn ask(request: &Request, upstream: &str, target: &str) -> io::Result<Response> {
    let (method, headers) = (&request.method, &request.headers);
    let mut response = http::ask(upstream, method, target, headers, &request.body)?;
    response.headers.retain(|(name, _)| name != "connection");
    Ok(response)
}

fn tunnel(upstream: &str, stream: &mut TcpStream) -> io::Result<()> {
    let server = TcpStream::connect(upstream)?;
    stream.write_all(b"HTTP/1.1 200 -\r\n\r\n")?;
    let (mut from_client, mut to_server) = (stream.try_clone()?, server.try_clone()?);
    let forth = thread::spawn(move || {
        let copied = io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
        copied
    });
    io::copy(&mut &server, stream)?;
    let _ = stream.shutdown(Shutdown::Write);
    let _ = forth.join();
    Ok(())
}
