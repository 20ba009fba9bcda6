//! Many conversations at once. Every message is a whole sentence, so the worker has no reason to wait for its end.

use std::time::{Duration, Instant};

use futures::stream::{FuturesUnordered, StreamExt};
use ismart_testing::{ChatError, Follower, Visitor, http_client};
use reqwest::Client;
use tokio::time::{sleep_until, timeout};

use crate::Trouble;
use crate::tally::{Report, Tally};

/// What visitors write.
const MESSAGES: &str = include_str!("messages.txt");
/// A visitor who waits longer has been lost.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many arrive at once before the measuring.
const ARRIVING: usize = 16;

/// How much.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) conversations: u32,
    pub(crate) lasting: Duration,
    /// Between two messages of one conversation.
    pub(crate) pause: Duration,
}

/// One conversation.
struct Talk {
    number: u32,
    client: Client,
    visitor: Visitor,
    follower: Follower,
    ping: String,
}

/// Lets everybody talk.
pub(crate) async fn measure(url: &str, load: Load) -> Result<Report, Trouble> {
    let client = http_client()?;
    let mut arriving = futures::stream::iter(0..load.conversations)
        .map(|number| arrive(client.clone(), url.to_owned(), number))
        .buffer_unordered(ARRIVING);
    let mut talks = Vec::new();
    while let Some(talk) = arriving.next().await {
        talks.push(talk?);
    }
    let began = Instant::now();
    let mut running: FuturesUnordered<_> =
        talks.into_iter().map(|talk| tokio::spawn(talk.run(began, load))).collect();
    let mut tally = Tally::default();
    while let Some(finished) = running.next().await {
        tally.add(finished?);
    }
    let seconds = load.pause.as_secs_f64();
    let name = format!("turn ({} conversations, every {seconds} s)", load.conversations);
    Ok(Report::new(name, "GET /ping", tally))
}

async fn arrive(client: Client, url: String, number: u32) -> Result<Talk, ChatError> {
    // A network for measuring devices (RFC 2544): every conversation has a sender of its own.
    let sender = std::net::Ipv4Addr::from_bits(std::net::Ipv4Addr::new(198, 18, 0, 0).to_bits() + number);
    let visitor = Visitor::arrive(&client, &url, "/", Some(sender.to_string())).await?;
    let follower = visitor.follow(visitor.last).await?;
    Ok(Talk { number, client, visitor, follower, ping: format!("{url}/ping") })
}

impl Talk {
    /// Writes at even moments, asks for `/ping` half-way between them.
    async fn run(mut self, began: Instant, load: Load) -> Tally {
        let mut tally = Tally::default();
        let mut due = began + load.pause * self.number / load.conversations.max(1);
        let offset = usize::try_from(self.number).unwrap_or(0);
        let mut messages = MESSAGES.lines().filter(|line| !line.trim().is_empty()).cycle().skip(offset);
        while due < began + load.lasting {
            sleep_until(due.into()).await;
            match timeout(PATIENCE, self.turn(messages.next().unwrap_or_default())).await {
                Ok(Ok(took)) => tally.measured.push(took),
                Ok(Err(error)) => {
                    tally.errors.push(error.to_string());
                    if matches!(error, ChatError::Ended) {
                        break;
                    }
                }
                Err(_) => tally.errors.push(format!("no reply within {} s", PATIENCE.as_secs())),
            }
            sleep_until((due + load.pause / 2).into()).await;
            match self.ping().await {
                Ok(took) => tally.reference.push(took),
                Err(error) => tally.errors.push(error.to_string()),
            }
            due += load.pause;
        }
        tally
    }

    /// From the sending of the message to the arrival of the first reply.
    async fn turn(&mut self, text: &str) -> Result<Duration, ChatError> {
        let sent = Instant::now();
        let seq = self.visitor.say(text).await?;
        let reply = self.follower.reply(seq).await?;
        Ok(reply.at.saturating_duration_since(sent))
    }

    async fn ping(&self) -> Result<Duration, reqwest::Error> {
        let sent = Instant::now();
        let answer = self.client.get(&self.ping).send().await?.error_for_status()?;
        std::hint::black_box(answer.bytes().await?.len());
        Ok(sent.elapsed())
    }
}
