//! A command as a process: its output lines, its end, and signals.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::FileExt as _;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long a test waits before it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A process that runs during the test. It is killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    /// Behind a lock, so that threads can share a process that serves.
    lines: Mutex<Receiver<String>>,
    errors: File,
}

impl Process {
    pub(crate) fn start(mut command: Command) -> Self {
        let errors = tempfile::tempfile().expect("a temporary file");
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors.try_clone().expect("a second handle"))
            .spawn()
            .expect("the program starts");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, lines) = channel();
        // Ends with the process, or when there is no receiver any more.
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).all(|line| sender.send(line).is_ok());
        });
        Self { child, lines: Mutex::new(lines), errors }
    }

    /// The next line of its output. Fails the test if there is none in time.
    pub(crate) fn line(&mut self) -> String {
        let line = self.lines.get_mut().expect("no panic").recv_timeout(PATIENCE);
        line.unwrap_or_else(|_| panic!("no further line; it said:\n{}", self.said()))
    }

    /// Its output up to and including the first line that `last` accepts.
    pub(crate) fn lines_until(&mut self, last: impl Fn(&str) -> bool) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.line();
            let is_last = last(&line);
            lines.push(line);
            if is_last {
                return lines;
            }
        }
    }

    /// Its error output.
    pub(crate) fn said(&mut self) -> String {
        // The process writes at the same offset of the same file, so the offset must not move.
        let length = self.errors.metadata().expect("the file").len();
        let mut bytes = vec![0; usize::try_from(length).expect("a length")];
        self.errors.read_exact_at(&mut bytes, 0).expect("its output");
        text(&bytes)
    }

    /// Its number on this machine.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.id());
        assert!(Command::new("bash").args(["-c", &command]).status().expect("bash").success());
    }

    /// Waits for its end, and returns its exit code; `None` if a signal killed it.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        // Its output ends when it does.
        loop {
            match self
                .lines
                .get_mut()
                .expect("no panic")
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it did not end; it said:\n{}", self.said()),
            }
        }
        self.child.wait().expect("its end").code()
    }

    /// Stops it as an operator would, and expects a clean end.
    pub(crate) fn stop(mut self) {
        self.signal("TERM");
        let code = self.wait();
        assert_eq!(code, Some(0), "{}", self.said());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // After a clean end there is nothing left to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command to its end, with this input.
pub(crate) fn run(mut command: Command, input: &str) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // A command that needs no input may exit before it is written.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("its end")
}

/// The output of a command that must succeed.
pub(crate) fn succeeded(output: &Output) -> String {
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// The single error line of a command that must fail.
pub(crate) fn failed(output: &Output) -> String {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{}{said}", text(&output.stdout));
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 1, "{said}");
    lines[0].strip_prefix("failsoft: ").unwrap_or_else(|| panic!("{said}")).to_owned()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("a text")
}

/// Polls until there is a result. Fails the test if there is none in time.
pub(crate) fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(answer) = ask() {
            return answer;
        }
    }
    panic!("it did not come about: {what}");
}
