//! As much of HTTP/1.1 as the tests' own client and servers need, over plain TCP.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};

/// No test waits longer for a byte.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A request, as it was sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// The path with its query, or an absolute URL where the client took us for a proxy.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The value of a header; names are in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// `GET /v1/secret/data/chat`.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }

    /// Reads the next one of a connection; `None` where it was closed.
    pub(crate) fn read(from: &mut impl BufRead) -> io::Result<Option<Self>> {
        let Some((first, headers)) = read_head(from)? else {
            return Ok(None);
        };
        let mut words = first.split(' ');
        let mut word = || words.next().unwrap_or_default().to_owned();
        let (method, target) = (word(), word());
        let body = read_body(from, &headers, false)?;
        Ok(Some(Self {
            method,
            target,
            headers,
            body,
        }))
    }
}

/// A response.
#[derive(Clone, Debug, Default)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// The bytes on the wire, with the length said.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = format!("HTTP/1.1 {} -\r\n", self.status).into_bytes();
        for (name, value) in &self.headers {
            if !["content-length", "transfer-encoding"].contains(&name.as_str()) {
                bytes.extend(format!("{name}: {value}\r\n").into_bytes());
            }
        }
        if self.status != 204 {
            bytes.extend(format!("content-length: {}\r\n", self.body.len()).into_bytes());
        }
        bytes.extend(b"\r\n");
        bytes.extend(&self.body);
        bytes
    }
}

/// Asks `address` (`host:port`) by a connection of its own.
pub(crate) fn ask(
    address: &str,
    method: &str,
    target: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> io::Result<Response> {
    ask_as((address, address), method, target, headers, body)
}

/// The same by another name of the host.
pub(crate) fn ask_as(
    (address, host): (&str, &str),
    method: &str,
    target: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> io::Result<Response> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut text = format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\n");
    for (name, value) in headers {
        if !["host", "connection", "content-length", "transfer-encoding"].contains(&name.as_str()) {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    text.push_str(&format!(
        "content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    ));
    let mut bytes = text.into_bytes();
    bytes.extend(body);
    (&stream).write_all(&bytes)?;
    let mut reader = BufReader::new(stream);
    let (first, headers) = read_head(&mut reader)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let status = first
        .split(' ')
        .nth(1)
        .and_then(|word| word.parse().ok())
        .ok_or(io::ErrorKind::InvalidData)?;
    let has_body = method != "HEAD" && status != 204;
    let body = if has_body {
        read_body(&mut reader, &headers, true)?
    } else {
        Vec::new()
    };
    Ok(Response {
        status,
        headers,
        body,
    })
}

type Head = (String, Vec<(String, String)>);

fn read_head(from: &mut impl BufRead) -> io::Result<Option<Head>> {
    let Some(first) = read_line(from)? else {
        return Ok(None);
    };
    let mut headers = Vec::new();
    while let Some(line) = read_line(from)?
        && !line.is_empty()
    {
        let (name, value) = line.split_once(':').ok_or(io::ErrorKind::InvalidData)?;
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    Ok(Some((first, headers)))
}

fn read_line(from: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    if from.read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&line).trim_end().to_owned();
    Ok(Some(text))
}

fn read_body(
    from: &mut impl BufRead,
    headers: &[(String, String)],
    may_end_with_connection: bool,
) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    if header(headers, "transfer-encoding").is_some_and(|value| value.contains("chunked")) {
        loop {
            let line = read_line(from)?.ok_or(io::ErrorKind::UnexpectedEof)?;
            let length = u64::from_str_radix(&line, 16).map_err(io::Error::other)?;
            from.by_ref().take(length).read_to_end(&mut body)?;
            read_line(from)?;
            if length == 0 {
                return Ok(body);
            }
        }
    }
    match header(headers, "content-length") {
        Some(length) => {
            let length = length.parse().map_err(io::Error::other)?;
            from.by_ref().take(length).read_to_end(&mut body)?;
        }
        None if may_end_with_connection => {
            from.read_to_end(&mut body)?;
        }
        None => {}
    }
    Ok(body)
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(other, _)| other == name)
        .map(|(_, value)| value.as_str())
}
