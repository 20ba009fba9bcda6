//! Server-sent events, read piece by piece.

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Its name, `message` when none was sent.
    pub(crate) event: String,
    /// Its lines of data.
    pub(crate) data: String,
}

/// Puts events together from pieces that may end anywhere.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    pending: Vec<u8>,
    event: Option<String>,
    data: Vec<String>,
}

impl Reader {
    /// Takes a piece; gives the events that it completed.
    pub(crate) fn read(&mut self, piece: &[u8]) -> Vec<Frame> {
        self.pending.extend_from_slice(piece);
        let mut frames = Vec::new();
        while let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.pending.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            frames.extend(self.line(line.trim_end_matches(['\r', '\n'])));
        }
        frames
    }

    fn line(&mut self, line: &str) -> Option<Frame> {
        if line.is_empty() {
            let event = self.event.take().unwrap_or_else(|| "message".to_owned());
            let data = std::mem::take(&mut self.data);
            return (!data.is_empty()).then(|| Frame { event, data: data.join("\n") });
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => self.event = Some(value.to_owned()),
            "data" => self.data.push(value.to_owned()),
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_may_end_anywhere() {
        let text = ": hello\n\nevent: typing\ndata: {\"on\":true}\n\nid: 3\ndata: привет\ndata:два\r\n\r\n";
        let whole = Reader::default().read(text.as_bytes());
        assert_eq!(whole.len(), 2);
        assert_eq!(whole[0], Frame { event: "typing".to_owned(), data: "{\"on\":true}".to_owned() });
        assert_eq!(whole[1], Frame { event: "message".to_owned(), data: "привет\nдва".to_owned() });
        let mut reader = Reader::default();
        let pieces: Vec<Frame> = text.as_bytes().chunks(1).flat_map(|piece| reader.read(piece)).collect();
        assert_eq!(pieces, whole);
    }

    #[test]
    fn what_is_not_finished_is_not_given() {
        assert!(Reader::default().read(b"data: x\n").is_empty());
    }
}
