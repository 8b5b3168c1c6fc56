//! nginx as a reverse proxy with kept connections, where it is installed.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::net::TcpStream;

use crate::process::Server;

/// Whether it writes a line for each request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Log {
    /// As it is set up where nothing is said about it.
    Each,
    Off,
}

/// Starts one worker that forwards to `upstream`; none where there is no nginx.
pub(crate) async fn start(folder: &Path, upstream: SocketAddr, log: Log) -> Option<Server> {
    // nginx takes no port 0: a free one is asked for, and given back to it.
    let addr = TcpListener::bind("127.0.0.1:0")
        .and_then(|free| free.local_addr())
        .ok()?;
    let config = folder.join("nginx.conf");
    std::fs::write(&config, configuration(folder, addr, upstream, log)).ok()?;
    let child = Command::new("nginx")
        .arg("-p")
        .arg(folder)
        .arg("-e")
        .arg(folder.join("nginx.log"))
        .arg("-c")
        .arg(&config)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .ok()?;
    let server = Server::known(child, addr);
    for _ in 0..100 {
        if TcpStream::connect(addr).await.is_ok() {
            return Some(server);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    None
}

/// Buffers hold every body that is sent, so that none goes to a file.
fn configuration(folder: &Path, addr: SocketAddr, upstream: SocketAddr, log: Log) -> String {
    let folder = folder.display();
    let log = match log {
        Log::Each => format!("{folder}/access.log"),
        Log::Off => "off".to_owned(),
    };
    format!(
        "daemon off; master_process off; worker_processes 1;
pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 4096; }}
http {{
  access_log {log}; keepalive_requests 100000000; tcp_nodelay on;
  client_body_buffer_size 256k; client_max_body_size 64m;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream up {{ server {upstream}; keepalive 256; keepalive_requests 100000000; }}
  server {{
    listen {addr};
    location / {{
      proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection \"\";
    }}
  }}
}}
"
    )
}
