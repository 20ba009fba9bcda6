//! A page that is kept ready, beside nginx serving the same bytes as a file.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use ismart_testing::{Server as Program, data_folder};
use tokio::process::{Child, Command};

use crate::Trouble;
use crate::beside::{self, Found, Load, Server};
use crate::wire::Wire;

/// Starts the program over the sites of a folder, and nginx over a file with the bytes of its home page.
pub(crate) async fn measure(
    binary: &Path,
    sites: &Path,
    load: &Load,
) -> Result<(Vec<Server>, Vec<Found>), Trouble> {
    let data = data_folder(sites)?;
    let mut program = Program::start(binary, "serve", data.path(), &[] as &[&str]).await?;
    let ours = Server::read(&format!("ismart={}", program.url()))?;
    let mut wire = Wire::open(ours.address()).await?;
    let page = wire.ask(format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", ours.address()).as_bytes()).await?;
    if page.status != 200 {
        return Err(format!("the home page answers {}", page.status).into());
    }
    let folder = tempfile::tempdir()?;
    let (mut nginx, address) = nginx(folder.path(), &page.body).await?;
    let servers = vec![ours, Server::read(&format!("nginx=http://{address}"))?];
    let found = beside::measure(&servers, &["/".to_owned()], &[], load).await;
    nginx.kill().await?;
    program.terminate().await?;
    Ok((servers, found?))
}

/// nginx over one file, on a free port, with two workers and nothing else to do.
async fn nginx(folder: &Path, page: &[u8]) -> Result<(Child, String), Trouble> {
    let root = folder.join("root");
    std::fs::create_dir_all(&root)?;
    std::fs::write(root.join("index.html"), page)?;
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let at = folder.display();
    let config = format!(
        "worker_processes 2; daemon off; pid {at}/pid; error_log {at}/error.log;\n\
         events {{ worker_connections 512; }}\n\
         http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;\n\
         client_body_temp_path {at}/b; proxy_temp_path {at}/p; fastcgi_temp_path {at}/f; uwsgi_temp_path {at}/u; scgi_temp_path {at}/s;\n\
         types {{ text/html html; }} open_file_cache max=10;\n\
         server {{ listen 127.0.0.1:{port}; root {}; }} }}\n",
        root.display()
    );
    let file = folder.join("nginx.conf");
    std::fs::write(&file, config)?;
    let nginx = Command::new("nginx")
        .arg("-c")
        .arg(&file)
        .arg("-p")
        .arg(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("nginx cannot be started: {error}; install Debian's package nginx-light"))?;
    let address = format!("127.0.0.1:{port}");
    let deadline = Instant::now() + Duration::from_secs(10);
    while Wire::open(&address).await.is_err() {
        if Instant::now() > deadline {
            let log =
                std::fs::read_to_string(folder.join("error.log")).unwrap_or_else(|error| error.to_string());
            return Err(format!("nginx does not listen: {log}").into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok((nginx, address))
}
