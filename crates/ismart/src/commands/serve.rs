//! `ismart serve`.

mod tls;

use std::net::SocketAddr;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ConnectInfo;
use clap::Args;

use ismart_domain::Env;
use ismart_leads::orders::Watch;
use ismart_leads::outcomes::Follower;
use ismart_leads::{Dispatcher, Stop};
use ismart_web::Platform;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::Place;
use crate::config;
use crate::output::{self, Failed, Trouble};
use crate::wiring::{self, Book, Watching, Wired};
use tls::{Certificate, Peer, TlsListener};

/// Where to serve from, and how.
#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    place: Place,
    /// Load sites again when a file changes, and let open pages show it: for those who write templates
    #[arg(long)]
    watch: bool,
}

/// Serves until told to stop (SIGINT, SIGTERM). SIGHUP loads the sites again.
pub(super) async fn serve(Serve { place, watch }: Serve) -> Result<ExitCode, Failed> {
    let mut loaded = config::load(place.config.as_deref(), &place.data)?;
    loaded.config.http.watch |= watch;
    crate::telemetry::start(&loaded.config.log.filter, loaded.config.log.json);
    let listen = place.listen.unwrap_or(loaded.config.listen);
    let listener = listen_on(listen).await?;
    let wired = wiring::wire(&loaded, &place.data, Env::system(), None).await?;
    output::report(&wired.warnings, false);
    if wired.platform.world.load().fleet.sites().is_empty() {
        let folder = loaded.base.join(&loaded.config.sites);
        return Err(Failed::one(
            folder.display().to_string(),
            "holds no site",
            "put site folders there, or name another folder with `sites` in the configuration; `ismart demo` shows a ready one",
        ));
    }
    let address =
        listener.local_addr().map_err(|e| Failed::one("socket", e.to_string(), "try another address"))?;
    let tls = loaded.config.http.tls.as_ref().map(|tls| Certificate::read(tls, &loaded.base)).transpose()?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    output::line(format_args!("listening on {scheme}://{address}"));
    run(wired, listener, tls).await
}

/// How often configurations of sites and certificates are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Handlers know the other side under one name, whether the connection is encrypted or not.
async fn name_peer(mut request: axum::extract::Request) -> axum::extract::Request {
    if let Some(ConnectInfo(Peer(address))) = request.extensions().get::<ConnectInfo<Peer>>().copied() {
        request.extensions_mut().insert(ConnectInfo(address));
    }
    request
}

/// Opens the port, with advice when that fails.
pub(super) async fn listen_on(address: SocketAddr) -> Result<TcpListener, Failed> {
    TcpListener::bind(address).await.map_err(|error| {
        let repair = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "another program listens there: stop it, or give another address with --listen, for example \
                 --listen 127.0.0.1:0 for any free port"
            }
            std::io::ErrorKind::PermissionDenied => {
                "ports below 1024 need rights: use 8080 and a proxy in front"
            }
            _ => "give an address of this machine with --listen, for example 127.0.0.1:8080",
        };
        Failed::one(format!("--listen {address}"), error.to_string(), repair)
    })
}

/// Serves and delivers until a signal comes, then finishes what was begun.
pub(super) async fn run(
    wired: Wired,
    listener: TcpListener,
    tls: Option<Arc<Certificate>>,
) -> Result<ExitCode, Failed> {
    let (stop, stopped) = watch::channel(false);
    let dispatcher = Dispatcher::new(wired.store.clone(), wired.destinations.clone());
    let lanes = dispatcher.lanes();
    let delivering = tokio::spawn(dispatcher.run(stopped.clone()));
    let book = wired.cover.map(|cover| {
        Arc::new(cover.book(
            wired.store.clone(),
            lanes.clone(),
            wired.platform.clone(),
            wired.reloader.clone(),
        ))
    });
    if let Some(book) = &book
        && let Some(wanted) = wired.platform.joining.open(wiring::kinds())
    {
        tokio::spawn(book.clone().run(wanted));
    }
    let vigil = wiring::vigil(&wired.platform, wired.rules, lanes);
    let follower = Follower::new(wired.store.clone(), wired.followed);
    let following = tokio::spawn(follower.run(stopped.clone()));
    let keeping_vigil = tokio::spawn(vigil.run(stopped.clone()));
    let desk = wired.platform.desk.clone();
    let resuming = tokio::spawn(async move {
        match desk.resume().await {
            Ok(0) => {}
            Ok(count) => tracing::info!(conversations = count, "unanswered conversations were taken up"),
            Err(error) => tracing::error!(error = %error, "unanswered conversations could not be read"),
        }
    });
    let platform = wired.platform.clone();
    let until = stopped.clone();
    let publishing = tokio::spawn(async move { platform.editing.run_schedules(until).await });
    let (platform, until) = (wired.platform.clone(), stopped.clone());
    let counting = tokio::spawn(async move { platform.footfall.run(|| platform.owners(), until).await });
    let counting_leads = tokio::spawn(wired.platform.ledger.clone().run(stopped.clone()));
    let fetching = tokio::spawn(wired.feeds.run(stopped.clone()));
    match wired.platform.resume_imports().await {
        Ok(0) => {}
        Ok(count) => tracing::info!(imports = count, "imports that a restart cut off go on"),
        Err(error) => tracing::error!(error = %error, "imports that were cut off could not be read"),
    }
    tokio::spawn(wiring::mailboxes::run(wired.platform.clone(), wired.base.clone(), stopped.clone()));
    tokio::spawn(sweep(wired.platform.clone(), stopped.clone()));
    tokio::spawn(refresh_published(wired.reloader.clone(), wired.platform.clone()));
    let platform = wired.platform.clone();
    tokio::spawn(async move { platform.follow_orders().await });
    let world = wired.platform.world.clone();
    let watch = Watch::new(wired.store.clone(), move |site| {
        world.load().shops.get(&site).map(|shop| shop.till.clone())
    });
    let watching_orders = tokio::spawn(watch.run(stopped.clone()));
    tokio::spawn(signals(stop));
    let watching = match wired.platform.options.watch {
        true => Some(Watching::start(&wired.reloader.folders())?),
        false => None,
    };
    tokio::spawn(reload_when_asked(
        wired.reloader.clone(),
        wired.platform.clone(),
        book,
        watching,
        tls.clone(),
    ));
    let app = ismart_web::router(wired.platform.clone());
    let over = ended(stopped.clone());
    let served: Pin<Box<dyn Future<Output = std::io::Result<()>> + Send>> = match tls {
        None => {
            let app = app.into_make_service_with_connect_info::<SocketAddr>();
            Box::pin(async move { axum::serve(listener, app).with_graceful_shutdown(over).await })
        }
        Some(certificate) => {
            let listener = TlsListener::start(listener, certificate)?;
            let app = app.layer(axum::middleware::map_request(name_peer));
            let app = app.into_make_service_with_connect_info::<Peer>();
            Box::pin(async move { axum::serve(listener, app).with_graceful_shutdown(over).await })
        }
    };
    // Open event streams never end by themselves: after a grace period they are cut; widgets connect again.
    let result = tokio::select! {
        result = served => result,
        () = async { ended(stopped).await; tokio::time::sleep(Duration::from_secs(3)).await } => Ok(()),
    };
    result.map_err(|e| Failed::one("server", e.to_string(), "see the log above"))?;
    for work in [delivering, watching_orders] {
        if let Ok(Err(error)) = work.await {
            return Err(error.into());
        }
    }
    resuming.abort();
    // Counting changes nothing but how far it has come.
    counting_leads.abort();
    // A file is replaced whole or not at all.
    fetching.abort();
    // A publication that was begun is finished; one that was not is taken up at the next start.
    let _panicked = publishing.await.is_err();
    let _panicked = counting.await.is_err();
    let _panicked = keeping_vigil.await.is_err();
    let _panicked = following.await.is_err();
    wired.store.close().await;
    Ok(ExitCode::SUCCESS)
}

/// How old a file must be before it is taken for one that no lead will name.
const SPARED: Duration = Duration::from_mins(10);

/// Takes away files of senders that no lead names: at the start, and every hour.
async fn sweep(platform: Arc<Platform>, stop: Stop) {
    loop {
        match platform.files.sweep(&platform.store, SPARED).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(files = count, "files that no lead names were taken away"),
            Err(error) => tracing::error!(error = %error, "it cannot be read which files leads name"),
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_mins(60)) => {}
            () = ended(stop.clone()) => return,
        }
    }
}

async fn ended(mut stop: Stop) {
    // An error means that the sender is gone: that is the end too.
    let _gone = stop.wait_for(|stop| *stop).await.is_err();
}

#[cfg(unix)]
async fn signals(stop: watch::Sender<bool>) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        tracing::error!("signals cannot be heard: the server ends only when it is killed");
        return std::future::pending().await;
    };
    tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
    tracing::info!("stopping: finishing what was begun");
    stop.send_replace(true);
}

#[cfg(not(unix))]
async fn signals(stop: watch::Sender<bool>) {
    if tokio::signal::ctrl_c().await.is_err() {
        return std::future::pending().await;
    }
    stop.send_replace(true);
}

/// Visitors see a publication at once; what workers know of the site and what forms say follows from the folder.
async fn refresh_published(reloader: Arc<wiring::Reloader>, platform: Arc<Platform>) {
    use tokio::sync::broadcast::error::RecvError;
    let mut published = platform.editing.listen();
    loop {
        match published.recv().await {
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
        if let Err(Failed(faults)) = reloader.reload(&platform).await {
            say_faults(faults);
        }
    }
}

/// Loads the sites again when somebody asks with SIGHUP, the console or a command changed their configuration, or a
/// watched file changed; when they have problems, the old ones stay and the problems are logged.
async fn reload_when_asked(
    reloader: Arc<wiring::Reloader>,
    platform: Arc<Platform>,
    book: Option<Arc<Book>>,
    mut watching: Option<Watching>,
    tls: Option<Arc<Certificate>>,
) {
    let mut asked = Hangup::new();
    let mut stamp = reloader.stamp();
    loop {
        let seen = async {
            match &mut watching {
                Some(watching) => watching.changed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = asked.next() => {
                if let Some(book) = &book
                    && let Err(Failed(faults)) = book.reload().await
                {
                    for Trouble { place, reason, repair, .. } in faults {
                        tracing::error!(place, reason, repair, "the destinations stay as they were");
                    }
                }
            }
            () = platform.fleet.changed.notified() => {}
            () = seen => {}
            () = tokio::time::sleep(LOOK) => {
                if let Some(certificate) = &tls {
                    certificate.renew();
                }
                let now = reloader.stamp();
                if now == stamp {
                    continue;
                }
            }
        }
        stamp = reloader.stamp();
        match reloader.reload(&platform).await {
            Ok(told) => {
                let (warnings, faults): (Vec<_>, Vec<_>) = told.into_iter().partition(|t| t.warning);
                say_faults(faults);
                tracing::info!(warnings = warnings.len(), "the sites were loaded again");
            }
            Err(Failed(faults)) => say_faults(faults),
        }
    }
}

/// SIGHUP, where there is such a thing.
struct Hangup {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Hangup {
    fn new() -> Self {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Self { signal: signal(SignalKind::hangup()).ok() }
        }
        #[cfg(not(unix))]
        Self {}
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending().await
    }
}

fn say_faults(faults: Vec<Trouble>) {
    for Trouble { place, reason, repair, .. } in faults {
        tracing::error!(place, reason, repair, "a site was not loaded; the old one stays");
    }
}
