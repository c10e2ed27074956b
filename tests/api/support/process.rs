//! The program as a separate process: for what a server inside the test cannot show, such as its environment and a
//! crash.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use super::app::App;

/// A process that ends with its test.
pub(crate) struct Process {
    child: Child,
    /// The process's address.
    pub(crate) address: SocketAddr,
}

impl Process {
    /// Starts `failsoft serve` on the database of `app`, with these additional variables.
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

    /// Pauses the process, as a debugger would, until it is resumed.
    pub(crate) fn pause(&self) {
        self.signal("STOP");
    }

    /// Resumes the process.
    pub(crate) fn resume(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.expect("kill is there").success(), "SIG{name}");
    }

    /// Stops it as an operator would, and waits for its end.
    pub(crate) fn stop(mut self) {
        self.signal("TERM");
        assert!(self.child.wait().expect("its end").success());
    }

    /// Kills it with SIGKILL.
    pub(crate) fn kill(&mut self) {
        // It may have exited by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
