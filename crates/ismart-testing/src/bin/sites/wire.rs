//! The least HTTP/1.1 that can ask again and again on one connection: a client that costs more than the server would
//! measure itself.

use std::io::{Error, ErrorKind};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection that stays open.
pub(crate) struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
    address: String,
}

/// An answer, as far as it is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what.to_owned())
}

impl Wire {
    pub(crate) async fn open(address: &str) -> Result<Self, Error> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(256 * 1024), address: address.to_owned() })
    }

    /// Asks once; opens the connection again when the server closed it after an answer.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Result<Seen, Error> {
        match self.once(request).await {
            Ok((seen, closes)) => {
                if closes {
                    *self = Self::open(&self.address).await?;
                }
                Ok(seen)
            }
            Err(error) => Err(error),
        }
    }

    async fn once(&mut self, request: &[u8]) -> Result<(Seen, bool), Error> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let end = loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await?;
        };
        let head = String::from_utf8_lossy(self.buffer.get(..end).unwrap_or_default()).to_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status: u16 = status.ok_or_else(|| wrong("no status"))?;
        let header =
            |name: &str| head.lines().find_map(|line| Some(line.strip_prefix(name)?.trim().to_owned()));
        let closes = header("connection:").is_some_and(|value| value == "close");
        let body = if header("transfer-encoding:").is_some_and(|value| value.contains("chunked")) {
            self.chunks(end).await?
        } else if let Some(length) = header("content-length:") {
            let length: usize = length.parse().map_err(|error| wrong(&format!("content-length: {error}")))?;
            while self.buffer.len() < end + length {
                self.more().await?;
            }
            self.buffer.get(end..end + length).unwrap_or_default().to_vec()
        } else {
            while self.more().await.is_ok() {}
            self.buffer.get(end..).unwrap_or_default().to_vec()
        };
        Ok((Seen { status, body }, closes))
    }

    async fn more(&mut self) -> Result<(), Error> {
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            return Err(Error::new(ErrorKind::UnexpectedEof, "the server closed the connection"));
        }
        Ok(())
    }

    async fn chunks(&mut self, mut at: usize) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        loop {
            let line = loop {
                let rest = self.buffer.get(at..).unwrap_or_default();
                if let Some(end) = find(rest, b"\r\n") {
                    break String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned();
                }
                self.more().await?;
            };
            let size = line.split(';').next().unwrap_or("").trim();
            let size = usize::from_str_radix(size, 16).map_err(|error| wrong(&format!("chunk: {error}")))?;
            at += line.len() + 2;
            while self.buffer.len() < at + size + 2 {
                self.more().await?;
            }
            body.extend_from_slice(self.buffer.get(at..at + size).unwrap_or_default());
            at += size + 2;
            if size == 0 {
                return Ok(body);
            }
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn bodies_of_every_form_are_read() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let answers = [
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
            "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc",
        ];
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            for answer in answers {
                let mut request = [0; 1024];
                assert!(stream.read(&mut request).await.unwrap() > 0);
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            drop(stream);
            let _next = listener.accept().await;
        });
        let mut wire = Wire::open(&address).await.unwrap();
        for status in [200, 404, 200] {
            let seen = wire.ask(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
            assert_eq!(seen, Seen { status, body: b"abc".to_vec() });
        }
    }
}
