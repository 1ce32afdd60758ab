//! Real servers: Redis or Valkey on a free port of loopback, with a folder of its own, killed, held up, started
//! again with what it had, less of it or none.

mod cluster;
mod data;
mod install;
mod options;
mod sentinel;

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use redis::{Client, Connection, FromRedisValue, RedisResult};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::clock::Clock;
use crate::port::Port;
use crate::project::{patiently, until};

pub use cluster::Cluster;
pub use data::{Data, Saved};
pub use install::{clock as clock_shim, tls, tool};
pub use options::{Options, Program, Role};
pub use sentinel::Sentinel;

/// Longer than a healthy server takes for anything on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server. Dropping it ends it.
#[derive(Debug)]
pub struct Server {
    options: Options,
    port: Port,
    /// Of a cluster's bus, or of TLS.
    second: Port,
    clock: Option<Clock>,
    child: Option<Child>,
    folder: TempDir,
}

impl Server {
    /// Starts a server, and waits until it answers.
    pub fn start(options: Options) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join("data")).expect("writable");
        let clock = options.clock.then(|| Clock::new(folder.path()));
        let mut server =
            Self { options, port: Port::free(), second: Port::free(), clock, child: None, folder };
        server.configure();
        server.spawn();
        server
    }

    /// Where it listens. It is the same in all its lives.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Where it listens for TLS, if it was asked to.
    pub fn tls_address(&self) -> SocketAddr {
        assert!(self.options.tls, "TLS was not asked for");
        self.second.address()
    }

    /// Its process id, while it is alive.
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Its wall clock.
    pub fn clock(&self) -> &Clock {
        self.clock.as_ref().expect("a clock was asked for")
    }

    /// A client with all rights, which has not connected yet.
    pub fn client(&self) -> Client {
        self.client_at(self.address())
    }

    /// A client with all rights that reaches this server by way of another address: a proxy's.
    pub fn client_at(&self, address: SocketAddr) -> Client {
        Client::open(self.url_at(address)).expect("a good URL")
    }

    /// Its URL, with the credentials of a user with all rights.
    pub fn url(&self) -> String {
        self.url_at(self.address())
    }

    /// The same by way of another address. A password must be made of letters that URLs have.
    pub fn url_at(&self, address: SocketAddr) -> String {
        match &self.options.credentials {
            Some((user, password)) => format!("redis://{user}:{password}@{address}"),
            None => format!("redis://{address}"),
        }
    }

    /// Does a command as a user with all rights, and fails if the server does not do it.
    #[track_caller]
    pub fn command<T: FromRedisValue>(&self, words: &[&str]) -> T {
        self.attempt(words).unwrap_or_else(|error| panic!("{words:?}: {error}\n{}", self.log()))
    }

    /// Does a command as a user with all rights; says what came of it.
    pub fn attempt<T: FromRedisValue>(&self, words: &[&str]) -> RedisResult<T> {
        let mut command = redis::Cmd::new();
        words.iter().for_each(|word| {
            command.arg(word);
        });
        command.query(&mut self.connect()?)
    }

    /// One line of what `INFO` says.
    pub fn info(&self, name: &str) -> Option<String> {
        let all: String = self.attempt(&["INFO", "everything"]).ok()?;
        let mut lines = all.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(found, _)| *found == name).map(|(_, value)| value.to_owned())
    }

    /// Kills it.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Asks it to end, and waits until it has.
    pub fn stop(&mut self) {
        self.signal(Signal::TERM);
        if let Some(mut child) = self.child.take() {
            let _ = child.wait();
        }
    }

    /// Holds it up: its sockets stay open, it answers nothing. It stands still when this returns.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
        until("the server stands still", || self.stands_still());
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Kills it if it is alive, and starts it with this on its disk, at the same port.
    pub fn restart(&mut self, data: Data<'_>) {
        self.kill();
        data::prepare(&self.data(), data);
        data::mend(&self.data(), self.options.program);
        self.spawn();
    }

    /// The same with what it left, as another program: what an upgrade is.
    pub fn upgrade(&mut self, program: Program) {
        self.options.program = program;
        self.restart(Data::Kept);
    }

    /// A copy of what it has on disk, up to its last answered write.
    pub fn save(&self) -> Saved {
        if self.child.is_none() {
            return Saved::of(&self.data());
        }
        if !self.options.appends {
            self.command::<()>(&["SAVE"]);
        }
        self.pause();
        let saved = Saved::of(&self.data());
        self.resume();
        saved
    }

    /// Makes a replica a primary, whether it has everything or not. It is one in its next lives too.
    pub fn promote(&self) {
        self.command::<()>(&["REPLICAOF", "NO", "ONE"]);
        self.command::<()>(&["CONFIG", "REWRITE"]);
    }

    /// Makes it a replica of another, whose data take the place of its own. It is one in its next lives too.
    pub fn follow(&self, primary: SocketAddr) {
        self.command::<()>(&["REPLICAOF", &primary.ip().to_string(), &primary.port().to_string()]);
        self.command::<()>(&["CONFIG", "REWRITE"]);
    }

    /// Waits until this replica is linked to its primary and has what the primary had when this was called.
    #[track_caller]
    pub fn catch_up_with(&self, primary: &Self) {
        let offset = |server: &Self, name| server.info(name).and_then(|text| text.parse::<u64>().ok());
        let wanted = offset(primary, "master_repl_offset").expect("the primary answers");
        let linked = || self.info("master_link_status").as_deref() == Some("up");
        until("the replica has caught up", || {
            linked() && offset(self, "slave_repl_offset").is_some_and(|has| has >= wanted)
        });
    }

    /// Whether it has no keys, or has not loaded them yet.
    pub fn is_empty(&self) -> bool {
        self.attempt::<u64>(&["DBSIZE"]).unwrap_or_default() == 0
    }

    /// Forgets the scripts that it was given.
    pub fn flush_scripts(&self) {
        self.command::<()>(&["SCRIPT", "FLUSH", "SYNC"]);
    }

    /// Changes a setting while it runs.
    pub fn set(&self, name: &str, value: &str) {
        self.command::<()>(&["CONFIG", "SET", name, value]);
    }

    /// Makes it unable to save its memory, and refuse writes for that.
    pub fn cannot_save(&self) {
        // A folder is where the file would have to be.
        fs::create_dir(self.data().join("dump.rdb")).expect("it has saved nothing so far");
        self.set("save", "3600 1");
        self.tries_to_save("err");
    }

    /// Ends that.
    pub fn can_save(&self) {
        fs::remove_dir(self.data().join("dump.rdb")).expect("ours");
        self.tries_to_save("ok");
        self.set("save", "");
    }

    fn tries_to_save(&self, status: &str) {
        self.command::<()>(&["BGSAVE", "SCHEDULE"]);
        until("it has tried to save", || self.info("rdb_last_bgsave_status").as_deref() == Some(status));
    }

    /// What it wrote to its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.file("log")).unwrap_or_default()
    }

    fn connect(&self) -> RedisResult<Connection> {
        let connection = self.client().get_connection_with_timeout(PATIENCE)?;
        connection.set_read_timeout(Some(PATIENCE))?;
        Ok(connection)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn data(&self) -> PathBuf {
        self.file("data")
    }

    fn configure(&self) {
        let Options { role, lines, appends, users, tls, .. } = &self.options;
        let mut text =
            format!("bind 127.0.0.1\nport {}\ndir {}\n", self.port.number(), self.data().display());
        let mut say = |line: String| text.push_str(&format!("{line}\n"));
        if *role != Role::Sentinel {
            say(format!("save \"\"\nappendonly {}", if *appends { "yes" } else { "no" }));
            say("repl-diskless-sync-delay 0\nrepl-ping-replica-period 1\nrepl-timeout 5".to_owned());
        }
        if *role == Role::ClusterNode {
            say(format!("cluster-enabled yes\ncluster-port {}", self.second.number()));
            say("cluster-node-timeout 2000".to_owned());
        }
        if let Some(users) = users {
            let ours = "user tests on >of-the-tests allkeys allchannels allcommands";
            fs::write(self.file("users.acl"), format!("{users}\n{ours}\n")).expect("writable");
            say(format!("aclfile {}", self.file("users.acl").display()));
        }
        if *tls {
            say(format!("tls-port {}\ntls-auth-clients no", self.second.number()));
            say(format!("tls-ca-cert-file {}", install::tls("authority.crt").display()));
            say(format!("tls-cert-file {}", install::tls("server.crt").display()));
            say(format!("tls-key-file {}", install::tls("server.key").display()));
        }
        lines.iter().cloned().for_each(say);
        fs::write(self.file("conf"), text).expect("writable");
    }

    fn spawn(&mut self) {
        let log = File::options().create(true).append(true).open(self.file("log")).expect("writable");
        let mut command = Command::new(install::tool(self.options.program, "server"));
        command.arg(self.file("conf")).stdin(Stdio::null());
        command.stdout(log.try_clone().expect("an open file")).stderr(log);
        if self.options.role == Role::Sentinel {
            command.arg("--sentinel");
        }
        if let Some(clock) = &self.clock {
            command.envs(clock.variables());
        }
        self.child = Some(command.spawn().expect("the program is there"));
        self.wait_until_it_answers();
    }

    fn wait_until_it_answers(&mut self) {
        let mut ended = None;
        let answers = patiently(PATIENCE, || {
            ended = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten());
            ended.is_some() || self.attempt::<String>(&["PING"]).is_ok()
        });
        assert!(answers && ended.is_none(), "the server does not start: {ended:?}\n{}", self.log());
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.pid() {
            let _ = kill_process(pid, signal);
        }
    }

    fn pid(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.id()?).ok()?)
    }

    fn stands_still(&self) -> bool {
        let stat = self.id().and_then(|id| fs::read_to_string(format!("/proc/{id}/stat")).ok());
        stat.is_none_or(|stat| stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T')))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
