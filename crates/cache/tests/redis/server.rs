//! Real Redis servers for tests: one, or a cluster of three, on this machine and gone with the test.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::{Client, Connection, FromRedisValue, cmd};
use tempfile::TempDir;
use vetted_cache::Backend;
use vetted_cache::redis::{Settings, open};

/// The program, if there is one. A test that needs it returns where this says so.
pub fn program() -> Option<PathBuf> {
    match std::env::var_os("VETTED_REDIS_SERVER") {
        Some(program) => Some(program.into()),
        None => {
            eprintln!("SKIPPED: it needs a real Redis. Run: VETTED_REDIS_SERVER=$(.ci/redis) cargo test ...");
            None
        }
    }
}

/// A server with a folder of its own. It is killed when it is dropped.
pub struct Server {
    program: PathBuf,
    settings: Vec<String>,
    folder: TempDir,
    process: Child,
    pub port: u16,
}

impl Server {
    /// One that keeps nothing beyond its life. `settings` are those of redis.conf, each as `name value`.
    pub fn start(settings: &[&str]) -> Option<Server> {
        let program = program()?;
        let folder = tempfile::tempdir().unwrap();
        // Between finding a free port and using it somebody else may take it.
        for _ in 0..20 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let mut process = launch(&program, folder.path(), port, settings);
            if is_ready(&mut process, port) {
                let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
                return Some(Server { program, settings, folder, process, port });
            }
            let _ = process.kill();
            let _ = process.wait();
        }
        panic!("no server starts: {}", std::fs::read_to_string(folder.path().join("log")).unwrap_or_default());
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again, on the same port and in the same folder.
    pub fn restart(&mut self) {
        let settings: Vec<&str> = self.settings.iter().map(String::as_str).collect();
        for _ in 0..20 {
            self.process = launch(&self.program, self.folder.path(), self.port, &settings);
            if is_ready(&mut self.process, self.port) {
                return;
            }
            let _ = self.process.kill();
            let _ = self.process.wait();
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("it does not start again");
    }

    pub fn connection(&self) -> Connection {
        Client::open(self.url()).unwrap().get_connection().unwrap()
    }

    /// Runs a command, written with blanks between its words.
    pub fn run<T: FromRedisValue>(&self, command: &str) -> T {
        let mut words = command.split(' ');
        let mut command = cmd(words.next().unwrap());
        words.for_each(|word| {
            command.arg(word);
        });
        command.query(&mut self.connection()).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn launch(program: &Path, folder: &Path, port: u16, settings: &[&str]) -> Child {
    let log = File::options().create(true).append(true).open(folder.join("log")).unwrap();
    let mut command = Command::new(program);
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--enable-debug-command", "yes"]);
    for setting in settings {
        let (name, value) = setting.split_once(' ').unwrap();
        command.arg(format!("--{name}")).args(value.split(' '));
    }
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| panic!("{} does not start: {error}. Run .ci/redis again", program.display()))
}

/// Whether it answers soon, once it has read what it kept.
fn is_ready(process: &mut Child, port: u16) -> bool {
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(20) {
        if process.try_wait().unwrap().is_some() {
            return false;
        }
        let client = Client::open(format!("redis://127.0.0.1:{port}")).unwrap();
        if let Ok(mut connection) = client.get_connection_with_timeout(Duration::from_secs(1)) {
            match cmd("PING").query::<String>(&mut connection) {
                Ok(_) => return true,
                // It wants a password, so it is there.
                Err(error) if error.code() == Some("NOAUTH") => return true,
                Err(_) => {}
            }
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}

/// Three servers that are a cluster.
pub struct Cluster {
    pub nodes: Vec<Server>,
}

impl Cluster {
    pub fn start(settings: &[&str]) -> Option<Cluster> {
        let mut all = vec!["cluster-enabled yes", "cluster-node-timeout 1000"];
        all.extend(settings);
        let nodes: Vec<Server> = (0..3).map(|_| Server::start_node(&all)).collect::<Option<_>>()?;
        for (node, slots) in nodes.iter().zip(["0 5460", "5461 10922", "10923 16383"]) {
            node.run::<()>(&format!("CLUSTER ADDSLOTSRANGE {slots}"));
        }
        for node in &nodes[1..] {
            nodes[0].run::<()>(&format!("CLUSTER MEET 127.0.0.1 {} {}", node.port, node.bus_port()));
        }
        let since = Instant::now();
        let is_whole = |node: &Server| {
            let info: String = node.run("CLUSTER INFO");
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
        };
        while !nodes.iter().all(is_whole) {
            assert!(since.elapsed() < Duration::from_secs(60), "the nodes do not meet");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(Cluster { nodes })
    }

    /// With only its first node named.
    pub fn url(&self) -> String {
        format!("redis+cluster://127.0.0.1:{}", self.nodes[0].port)
    }

    /// Which of its nodes keeps this key.
    pub fn node_of(&self, key: &str) -> usize {
        let slot: u32 = self.nodes[0].run(&format!("CLUSTER KEYSLOT {key}"));
        [5460, 10922, 16383].iter().position(|last| slot <= *last).unwrap()
    }
}

impl Server {
    fn start_node(settings: &[&str]) -> Option<Server> {
        // Port 0 would be taken as 10000 above the other port, which is often beyond the largest number.
        let bus = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let bus = format!("cluster-port {bus}");
        Server::start(&[settings, &[bus.as_str()]].concat())
    }

    fn bus_port(&self) -> u16 {
        let bus = self.settings.iter().find_map(|setting| setting.strip_prefix("cluster-port "));
        bus.unwrap().parse().unwrap()
    }
}

/// A cache there, with time enough for a machine that has much else to do.
pub fn cache(url: &str) -> Arc<dyn Backend> {
    cache_with(url, &patient())
}

pub fn cache_with(url: &str, settings: &Settings) -> Arc<dyn Backend> {
    open(url, settings).unwrap_or_else(|error| panic!("{error}")).backend.into()
}

pub fn patient() -> Settings {
    Settings { connect: Duration::from_secs(5), command: Duration::from_secs(20), ..Settings::default() }
}
