//! The end of what a sidecar printed, bounded in lines and in bytes.

use std::collections::VecDeque;

/// Keeps the last lines of one stream.
#[derive(Debug, Clone)]
pub struct Tail {
    lines: VecDeque<String>,
    bytes: usize,
    max_lines: usize,
    max_bytes: usize,
}

impl Tail {
    /// An empty tail that holds at most `max_lines` lines and `max_bytes` bytes of text.
    #[must_use]
    pub fn new(max_lines: usize, max_bytes: usize) -> Self {
        Self {
            lines: VecDeque::new(),
            bytes: 0,
            max_lines: max_lines.max(1),
            max_bytes: max_bytes.max(1),
        }
    }

    /// Appends a line; the oldest ones go when a bound is reached, the newest always stays.
    pub fn push(&mut self, line: String) {
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.lines.len() > 1
            && (self.lines.len() > self.max_lines || self.bytes > self.max_bytes)
        {
            let gone = self.lines.pop_front().map_or(0, |line| line.len());
            self.bytes -= gone;
        }
    }

    /// The lines that are held, oldest first.
    #[must_use]
    pub fn to_vec(&self) -> Vec<String> {
        self.lines.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_lines_stay() {
        let mut tail = Tail::new(2, 1000);
        for line in ["a", "b", "c"] {
            tail.push(line.to_owned());
        }
        assert_eq!(tail.to_vec(), ["b", "c"]);
    }

    #[test]
    fn bytes_are_bounded_as_well_as_lines() {
        let mut tail = Tail::new(100, 10);
        for _ in 0..50 {
            tail.push("1234".to_owned());
        }
        assert_eq!(tail.to_vec(), ["1234", "1234"]);
    }
}
