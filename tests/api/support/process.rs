//! The program itself, as a process: for what a server inside of the test cannot show, such as its environment and
//! its sudden end.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use super::app::App;

/// A process that ends with its test.
pub(crate) struct Process {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Process {
    /// `failsoft serve` on the database of `app`, with these variables besides.
    pub(crate) async fn serve(app: &App, variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_failsoft"));
        command.arg("serve").stdout(Stdio::piped()).stderr(Stdio::null());
        command.env_remove("NO_PROXY").env_remove("no_proxy");
        command.envs(app.environment()).envs(variables.iter().copied());
        let mut child = command.spawn().expect("the program starts");
        let output = child.stdout.take().expect("its output");
        let mut process = Self { child, address: app.address };
        let first = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(output).read_line(&mut line).map(|_| line)
        });
        let line = first.await.expect("no panic").expect("a line");
        let address = line.split("http://").nth(1).unwrap_or_else(|| panic!("no address in '{line}'"));
        process.address = address.trim().parse().expect("an address");
        process
    }

    /// Stands still, as under a debugger, until it is told to go on.
    pub(crate) fn pause(&self) {
        self.signal("STOP");
    }

    /// Goes on.
    pub(crate) fn resume(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.expect("kill is there").success(), "SIG{name}");
    }

    /// Ends it as SIGKILL does: at once, without a word.
    pub(crate) fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
