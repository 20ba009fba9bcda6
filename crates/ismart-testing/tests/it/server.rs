//! Starting, killing and asking to stop, tried with scripts in the place of the program.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use ismart_testing::{Server, StartError};

const NONE: &[&str] = &[];

fn program(folder: &tempfile::TempDir, script: &str) -> PathBuf {
    let path = folder.path().join("program");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// A server whose health is 503 once and 200 from then on.
async fn recovering() -> String {
    use axum::http::StatusCode;
    use std::sync::atomic::{AtomicBool, Ordering};
    let asked = std::sync::Arc::new(AtomicBool::new(false));
    let health = move || {
        let before = asked.swap(true, Ordering::SeqCst);
        async move { if before { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE } }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let app = axum::Router::new().route("/health", axum::routing::get(health));
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

#[tokio::test]
async fn a_server_is_ready_when_it_is_healthy() {
    let folder = tempfile::tempdir().unwrap();
    let address = recovering().await;
    let log = folder.path().join("args");
    let script = format!("echo \"$@\" > {}; echo listening on {address}/ here; exec sleep 60", log.display());
    let binary = program(&folder, &script);
    let mut server = Server::start(&binary, "serve", folder.path(), &["--x"]).await.unwrap();
    assert_eq!(server.url(), address);
    assert_eq!(server.data(), folder.path());
    let arguments = std::fs::read_to_string(log).unwrap();
    let expected = format!("serve --listen 127.0.0.1:0 --data {} --x\n", folder.path().display());
    assert_eq!(arguments, expected);
    let status = server.terminate().await.unwrap();
    assert!(!status.success(), "a signal ended it: {status}");
}

#[tokio::test]
async fn a_killed_server_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let address = recovering().await;
    let binary = program(&folder, &format!("trap '' TERM\necho {address}\nexec sleep 60"));
    let mut server = Server::start(&binary, "serve", folder.path(), NONE).await.unwrap();
    server.kill().await.unwrap();
    assert!(server.terminate().await.is_ok(), "what is gone is asked nothing");
}

#[tokio::test]
async fn a_server_that_ends_is_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let binary = program(&folder, "echo 'error: no such folder' >&2; exit 1");
    let error = Server::start(&binary, "serve", folder.path(), NONE).await.unwrap_err();
    assert!(matches!(&error, StartError::Ended { log } if log == "error: no such folder"), "{error}");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = Server::start(&folder.path().join("none"), "serve", folder.path(), NONE).await.unwrap_err();
    assert!(error.to_string().contains("none cannot be run"), "{error}");
}
