//! Splits a byte stream into lines, whatever the sidecar prints and however the reads fall.

/// One line as it came from a pipe, without its line end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawLine<'a> {
    /// The first bytes of the line, at most the splitter's bound; one trailing CR is removed.
    pub bytes: &'a [u8],
    /// Bytes of this line beyond the bound, which were dropped.
    pub dropped: u64,
    /// False for what stood at the end of the stream without a newline.
    pub terminated: bool,
}

impl RawLine<'_> {
    /// True when the whole line is exactly `token`: no prefix, no substring, and complete.
    #[must_use]
    pub fn is(&self, token: &[u8]) -> bool {
        self.is_whole() && self.bytes == token
    }

    /// True when it ended with a newline and nothing of it was dropped.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.terminated && self.dropped == 0
    }
}

/// Collects reads into lines. Holds at most `max_line_bytes`, even when no newline ever comes.
#[derive(Debug)]
pub struct LineSplitter {
    held: Vec<u8>,
    dropped: u64,
    max_line_bytes: usize,
}

impl LineSplitter {
    /// A splitter that keeps at most `max_line_bytes` of each line.
    #[must_use]
    pub fn new(max_line_bytes: usize) -> Self {
        Self {
            held: Vec::new(),
            dropped: 0,
            max_line_bytes: max_line_bytes.max(1),
        }
    }

    /// Takes one read and calls `on_line` for every line that it completes.
    pub fn feed(&mut self, mut chunk: &[u8], mut on_line: impl FnMut(RawLine<'_>)) {
        while let Some(end) = memchr::memchr(b'\n', chunk) {
            self.hold(&chunk[..end]);
            on_line(raw(&self.held, self.dropped, true));
            self.held.clear();
            self.dropped = 0;
            chunk = &chunk[end + 1..];
        }
        self.hold(chunk);
    }

    /// What has been read of a line that has no newline yet.
    #[must_use]
    pub fn unterminated(&self) -> Option<RawLine<'_>> {
        (!self.held.is_empty()).then(|| raw(&self.held, self.dropped, false))
    }

    /// Ends the stream: gives out the unterminated rest, if there is one.
    pub fn finish(&mut self, on_line: impl FnOnce(RawLine<'_>)) {
        if let Some(line) = self.unterminated() {
            on_line(line);
        }
        self.held.clear();
        self.dropped = 0;
    }

    fn hold(&mut self, bytes: &[u8]) {
        let room = self.max_line_bytes - self.held.len();
        let kept = bytes.len().min(room);
        self.held.extend_from_slice(&bytes[..kept]);
        self.dropped += (bytes.len() - kept) as u64;
    }
}

fn raw(held: &[u8], dropped: u64, terminated: bool) -> RawLine<'_> {
    let bytes = match held {
        // A CR belongs to the line end only when nothing was cut off after it.
        [line @ .., b'\r'] if terminated && dropped == 0 => line,
        line => line,
    };
    RawLine {
        bytes,
        dropped,
        terminated,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(chunks: &[&[u8]], max: usize) -> Vec<(Vec<u8>, u64, bool)> {
        let mut splitter = LineSplitter::new(max);
        let mut lines = Vec::new();
        let mut keep =
            |line: RawLine<'_>| lines.push((line.bytes.to_vec(), line.dropped, line.terminated));
        for chunk in chunks {
            splitter.feed(chunk, &mut keep);
        }
        splitter.finish(&mut keep);
        lines
    }

    #[test]
    fn a_line_may_arrive_in_any_pieces() {
        let whole = split(&[b"BOOT a=1\nREADY\n"], 100);
        let bytes: Vec<[u8; 1]> = b"BOOT a=1\nREADY\n".iter().map(|byte| [*byte]).collect();
        let pieces: Vec<&[u8]> = bytes.iter().map(|byte| &byte[..]).collect();
        assert_eq!(whole, split(&pieces, 100));
        assert_eq!(whole[1], (b"READY".to_vec(), 0, true));
    }

    #[test]
    fn crlf_is_a_line_end_also_across_reads() {
        assert_eq!(
            split(&[b"READY\r", b"\n"], 100),
            [(b"READY".to_vec(), 0, true)]
        );
    }

    #[test]
    fn only_the_whole_terminated_line_is_the_token() {
        for (text, expected) in [
            (&b"READY\n"[..], true),
            (b"READY\r\n", true),
            (b"READY!\n", false),
            (b" READY\n", false),
            (b"READY \n", false),
            (b"NOT READY\n", false),
            (b"READY\r\r\n", false),
            (b"ready\n", false),
            (b"READY", false),
        ] {
            let mut seen = false;
            let mut splitter = LineSplitter::new(100);
            splitter.feed(text, |line| seen |= line.is(b"READY"));
            splitter.finish(|line| seen |= line.is(b"READY"));
            assert_eq!(seen, expected, "{:?}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn a_line_beyond_the_bound_is_cut_and_counted() {
        assert_eq!(
            split(&[b"READYREADY\nREADY\n"], 5),
            [(b"READY".to_vec(), 5, true), (b"READY".to_vec(), 0, true)]
        );
        let mut splitter = LineSplitter::new(5);
        splitter.feed(b"READYREADY\n", |line| assert!(!line.is(b"READY")));
    }

    #[test]
    fn memory_is_bounded_without_any_newline() {
        let mut splitter = LineSplitter::new(1024);
        for _ in 0..1000 {
            splitter.feed(&[b'x'; 4096], |_| panic!("no line was ended"));
        }
        assert!(splitter.held.capacity() <= 2048);
        let line = splitter
            .unterminated()
            .expect("the start of the line is kept");
        assert_eq!(line.bytes.len() as u64 + line.dropped, 4096 * 1000);
    }
}
