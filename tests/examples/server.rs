//! A server of an example, from its first line to its end.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, ChildStdout, Command, Output, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// A running server, which does not outlive a failing test.
pub(super) struct Server {
    child: Child,
    stdout: BufReader<ChildStdout>,
    port: u16,
}

impl Server {
    #[track_caller]
    pub(super) fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line");
        let mut server = Self {
            child,
            stdout,
            port: 0,
        };
        let port = line.trim().strip_prefix("listening on http://127.0.0.1:");
        match port.and_then(|port| port.parse().ok()) {
            Some(port) => server.port = port,
            None => panic!(
                "no port: {line:?}, {}",
                String::from_utf8_lossy(&server.end().stderr)
            ),
        }
        server
    }

    /// The body of an answer.
    pub(super) fn get(&self, path: &str) -> serde_json::Value {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the server");
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a body");
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        serde_json::from_str(body).expect("JSON")
    }

    /// Ends it as a service manager does. The rest of its output; its first line was read.
    pub(super) fn end(mut self) -> Output {
        let pid = Pid::from_raw(self.child.id().try_into().expect("a process id"));
        kill(pid, Signal::SIGTERM).expect("it runs");
        let mut output = Output {
            status: self.child.wait().expect("it ends"),
            stdout: Vec::new(),
            stderr: Vec::new(),
        };
        self.stdout
            .read_to_end(&mut output.stdout)
            .expect("standard output");
        let mut stderr = self.child.stderr.take().expect("a pipe");
        stderr
            .read_to_end(&mut output.stderr)
            .expect("standard error");
        output
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended where the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
