//! Several servers, the same paths, the same minute.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::Trouble;
use crate::wire::Wire;

/// A server to measure.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    name: String,
    /// `HOST:PORT`.
    address: String,
}

impl Server {
    /// `HOST:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn read(text: &str) -> Result<Self, Trouble> {
        let (name, url) =
            text.split_once('=').ok_or_else(|| format!("`{text}`: write NAME=http://HOST:PORT"))?;
        let address =
            url.strip_prefix("http://").ok_or_else(|| format!("`{url}` must begin with http://"))?;
        Ok(Self { name: name.to_owned(), address: address.trim_end_matches('/').to_owned() })
    }
}

/// How hard.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    pub(crate) rounds: usize,
    /// Of one server at one path in one round.
    pub(crate) lasting: Duration,
}

/// What was found for one path.
#[derive(Debug)]
pub(crate) struct Found {
    path: String,
    /// Requests a second in each round, by server.
    rates: Vec<Vec<f64>>,
    /// Bytes of the body, by server.
    bytes: Vec<usize>,
}

/// Measures every server at every path: rounds go round the servers, so that a busy moment of the machine hits all.
pub(crate) async fn measure(
    servers: &[Server],
    paths: &[String],
    headers: &[String],
    load: &Load,
) -> Result<Vec<Found>, Trouble> {
    let mut all = Vec::new();
    for path in paths {
        let mut found =
            Found { path: path.clone(), rates: vec![Vec::new(); servers.len()], bytes: Vec::new() };
        for server in servers {
            let request = request(server, path, headers);
            // The first answers make caches ready, of both sides.
            let mut wire = Wire::open(&server.address).await?;
            let mut bytes = 0;
            for _ in 0..3 {
                let seen = wire.ask(&request).await?;
                if seen.status != 200 {
                    return Err(format!("{} answers {} to {path}", server.name, seen.status).into());
                }
                bytes = seen.body.len();
            }
            found.bytes.push(bytes);
        }
        for _ in 0..load.rounds {
            for (server, rates) in servers.iter().zip(&mut found.rates) {
                rates.push(rate(server, &request(server, path, headers), load).await?);
            }
        }
        all.push(found);
    }
    Ok(all)
}

fn request(server: &Server, path: &str, headers: &[String]) -> Vec<u8> {
    let mut text = format!("GET {path} HTTP/1.1\r\n");
    if !headers.iter().any(|header| header.to_ascii_lowercase().starts_with("host:")) {
        text.push_str(&format!("Host: {}\r\n", server.address));
    }
    for header in headers {
        text.push_str(&format!("{header}\r\n"));
    }
    text.push_str("\r\n");
    text.into_bytes()
}

async fn rate(server: &Server, request: &[u8], load: &Load) -> Result<f64, Trouble> {
    let began = Instant::now();
    let until = began + load.lasting;
    let mut running = Vec::new();
    for _ in 0..load.connections {
        let (address, request) = (server.address.clone(), request.to_vec());
        running.push(tokio::spawn(async move {
            let mut wire = Wire::open(&address).await?;
            let mut count = 0_u32;
            while Instant::now() < until {
                let seen = wire.ask(&request).await?;
                if seen.status != 200 {
                    return Err(std::io::Error::other(format!("status {} under load", seen.status)));
                }
                count += 1;
            }
            Ok(count)
        }));
    }
    let mut count = 0.0;
    for task in running {
        count += f64::from(task.await??);
    }
    Ok(count / began.elapsed().as_secs_f64())
}

fn median(rates: &[f64]) -> f64 {
    let mut sorted = rates.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

/// For people.
pub(crate) fn table(servers: &[Server], found: &[Found]) -> String {
    let mut text = String::new();
    for one in found {
        let first = one.rates.first().map_or(0.0, |rates| median(rates));
        // Writing to a String cannot fail.
        let _infallible = writeln!(text, "{}", one.path);
        for ((server, rates), bytes) in servers.iter().zip(&one.rates).zip(&one.bytes) {
            let rate = median(rates);
            let least = rates.iter().copied().fold(f64::INFINITY, f64::min);
            let most = rates.iter().copied().fold(0.0, f64::max);
            let _infallible = writeln!(
                text,
                "  {:<16} {rate:>9.0} requests/s (rounds {least:.0} to {most:.0}), {bytes} bytes, first is {:.2} x",
                server.name,
                first / rate.max(1e-9)
            );
        }
    }
    text
}

/// For programs.
pub(crate) fn json(servers: &[Server], found: &[Found]) -> String {
    let paths = found.iter().map(|one| {
        let servers = servers.iter().zip(&one.rates).zip(&one.bytes).map(|((server, rates), bytes)| {
            serde_json::json!({ "name": server.name, "requests_a_second": median(rates), "rounds": rates, "bytes": bytes })
        });
        serde_json::json!({ "path": one.path, "servers": servers.collect::<Vec<_>>() })
    });
    serde_json::Value::Array(paths.collect()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_read() {
        let server = Server::read("php=http://127.0.0.1:9102/").unwrap();
        assert_eq!((server.name.as_str(), server.address.as_str()), ("php", "127.0.0.1:9102"));
        assert!(Server::read("http://127.0.0.1").unwrap_err().to_string().contains("NAME="));
        assert!(Server::read("a=https://b").is_err());
    }

    #[test]
    fn the_middle_round_counts() {
        assert_eq!(median(&[1.0, 9.0, 5.0]), 5.0);
        assert_eq!(median(&[]), 0.0);
    }
}
