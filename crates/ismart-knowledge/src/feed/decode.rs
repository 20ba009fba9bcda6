//! From raw bytes to UTF-8 text: gzip by its magic number, the character set by byte order mark or by the
//! XML declaration; counts lines and stops at the size limit.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::rc::Rc;

use encoding_rs::{Encoding, UTF_8};
use encoding_rs_io::DecodeReaderBytesBuilder;
use flate2::bufread::MultiGzDecoder;

use super::FeedError;

const GZIP_MAGIC: [u8; 2] = [0x1F, 0x8B];
/// Room for the byte order mark and the XML declaration.
const DECLARATION_BYTES: usize = 256;

/// Where the reader stands; shared with whoever reports errors.
#[derive(Debug, Clone, Default)]
pub(super) struct Position {
    line: Rc<Cell<usize>>,
    over: Rc<Cell<bool>>,
}

impl Position {
    /// Line of the text, from 1.
    pub(super) fn line(&self) -> usize {
        self.line.get() + 1
    }

    /// Whether the size limit stopped the reading.
    pub(super) fn is_over(&self) -> bool {
        self.over.get()
    }
}

/// Opens a source of unknown packing and encoding as UTF-8 text.
pub(super) fn open<'a, R: Read + 'a>(
    source: R,
    limit: u64,
) -> Result<(impl BufRead + 'a, Position), FeedError> {
    let position = Position::default();
    let (head, source) = peek(source, GZIP_MAGIC.len())?;
    let plain: Box<dyn Read + 'a> = if head == GZIP_MAGIC {
        Box::new(MultiGzDecoder::new(BufReader::new(source)))
    } else {
        Box::new(source)
    };
    let (head, plain) =
        peek(Capped { inner: plain, left: limit, over: position.over.clone() }, DECLARATION_BYTES)
            .map_err(|error| if position.is_over() { FeedError::TooLarge { limit } } else { error })?;
    let encoding = declared_encoding(&head)?;
    let text = DecodeReaderBytesBuilder::new().encoding(Some(encoding)).bom_override(true).build(plain);
    let counted = LineCounter { inner: BufReader::new(text), line: position.line.clone() };
    Ok((counted, position))
}

/// The first `want` bytes (fewer when there are no more), and the whole source again.
fn peek<R: Read>(mut source: R, want: usize) -> Result<(Vec<u8>, impl Read), FeedError> {
    let mut head = Vec::with_capacity(want);
    let most = u64::try_from(want).unwrap_or(u64::MAX);
    source
        .by_ref()
        .take(most)
        .read_to_end(&mut head)
        .map_err(|error| FeedError::Unreadable { line: 1, reason: error.to_string() })?;
    Ok((head.clone(), Cursor::new(head).chain(source)))
}

/// The character set of the `encoding="…"` attribute in the XML declaration; UTF-8 without one.
fn declared_encoding(head: &[u8]) -> Result<&'static Encoding, FeedError> {
    let head: String = head.iter().filter(|b| b.is_ascii()).map(|b| char::from(*b)).collect();
    let declaration = head.split_once("<?xml").and_then(|(_, rest)| rest.split_once("?>")).map(|(d, _)| d);
    let Some((_, value)) = declaration.and_then(|d| d.split_once("encoding")) else {
        return Ok(UTF_8);
    };
    let value = value.trim_start_matches([' ', '=', '\t']);
    let name = value
        .chars()
        .next()
        .filter(|quote| matches!(quote, '"' | '\''))
        .and_then(|quote| value.split(quote).nth(1))
        .unwrap_or_default();
    Encoding::for_label(name.as_bytes()).ok_or_else(|| FeedError::Encoding { name: name.to_owned() })
}

/// Ends with an error after `left` bytes.
struct Capped<R> {
    inner: R,
    left: u64,
    over: Rc<Cell<bool>>,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let taken = u64::try_from(read).unwrap_or(u64::MAX);
        if taken > self.left {
            self.over.set(true);
            return Err(io::Error::other("the feed is too large"));
        }
        self.left -= taken;
        Ok(read)
    }
}

struct LineCounter<R> {
    inner: R,
    line: Rc<Cell<usize>>,
}

impl<R: BufRead> Read for LineCounter<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let lines = buffer.iter().take(read).filter(|b| **b == b'\n').count();
        self.line.set(self.line.get() + lines);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for LineCounter<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        let lines = self
            .inner
            .fill_buf()
            .map_or(0, |bytes| bytes.iter().take(amount).filter(|byte| **byte == b'\n').count());
        self.line.set(self.line.get() + lines);
        self.inner.consume(amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declaration_names_the_encoding() {
        let of = |text: &str| declared_encoding(text.as_bytes()).map(Encoding::name);
        assert_eq!(of("<?xml version=\"1.0\" encoding=\"windows-1251\"?>").unwrap(), "windows-1251");
        assert_eq!(of("<?xml version='1.0' encoding = 'cp1251' ?>").unwrap(), "windows-1251");
        assert_eq!(of("<?xml version=\"1.0\"?><data encoding=\"koi8-r\">").unwrap(), "UTF-8");
        assert_eq!(of("<data/>").unwrap(), "UTF-8");
        assert_eq!(
            of("<?xml version=\"1.0\" encoding=\"klingon\"?>").unwrap_err().to_string(),
            "the XML declaration names the encoding `klingon`, which is unknown; use UTF-8 or windows-1251"
        );
    }
}
