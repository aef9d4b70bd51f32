//! Takes out of a text what is nobody else's business: who the user is, and whatever opens a door.

use std::collections::BTreeSet;
use std::env;
use std::sync::OnceLock;

use regex_lite::{Captures, Regex};

/// What stands in place of a secret.
pub const SECRET: &str = "[secret]";
const USER: &str = "[user]";
const HOST: &str = "[host]";
const HOME: &str = "~";

/// Parts of names whose values are secrets.
const NAMES: &str = "token|secret|passw|pwd|passphrase|api[_-]?key|access[_-]?key|private[_-]?key|\
                     encryption[_-]?key|signing[_-]?key|credential|cookie|session|auth|bearer|jwt|dsn";
/// A known secret shorter than this would take ordinary words out of the text.
const SHORTEST_SECRET: usize = 4;
/// A run of letters, digits and `_+=-` so long, with a letter and a digit in it, looks like a key.
const KEY_LENGTH: usize = 20;
/// With slashes in it, so long: shorter ones are paths.
const KEY_LENGTH_WITH_SLASHES: usize = 32;

/// Knows the names and secrets of one machine, and what keys look like on any.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    homes: BTreeSet<String>,
    users: BTreeSet<String>,
    hosts: BTreeSet<String>,
    secrets: BTreeSet<String>,
}

impl Redactor {
    /// One that knows what keys look like, and nobody by name.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One that knows this machine: the home, the user, the host, and each environment variable
    /// whose name says that it holds a secret.
    #[must_use]
    pub fn of_this_machine() -> Self {
        let mut redactor = Self::new();
        for name in ["HOME", "USERPROFILE"] {
            redactor = redactor.home(&env::var(name).unwrap_or_default());
        }
        for name in ["USER", "LOGNAME", "USERNAME", "SUDO_USER"] {
            redactor = redactor.user(&env::var(name).unwrap_or_default());
        }
        for name in ["HOSTNAME", "COMPUTERNAME"] {
            redactor = redactor.host(&env::var(name).unwrap_or_default());
        }
        for file in ["/proc/sys/kernel/hostname", "/etc/hostname"] {
            redactor = redactor.host(std::fs::read_to_string(file).unwrap_or_default().trim());
        }
        let variables: Vec<_> = env::vars_os()
            .map(|(name, value)| {
                (
                    name.to_string_lossy().into_owned(),
                    value.to_string_lossy().into_owned(),
                )
            })
            .collect();
        redactor.variables(variables.iter().map(|(name, value)| (&**name, &**value)))
    }

    /// Learns a home folder, and the user's name from its last part.
    #[must_use]
    pub fn home(mut self, folder: &str) -> Self {
        let folder = folder.trim_end_matches(['/', '\\']);
        if folder.len() > 1 {
            self.homes.insert(folder.to_owned());
            let name = folder.rsplit(['/', '\\']).next().unwrap_or_default();
            return self.user(name);
        }
        self
    }

    /// Learns a user's name.
    #[must_use]
    pub fn user(mut self, name: &str) -> Self {
        if !name.is_empty() {
            self.users.insert(name.to_owned());
        }
        self
    }

    /// Learns a host's name; of one with a domain the first part, too.
    #[must_use]
    pub fn host(mut self, name: &str) -> Self {
        if !name.is_empty() && name != "localhost" {
            self.hosts.insert(name.to_owned());
            if let Some((first, _)) = name.split_once('.')
                && !first.is_empty()
            {
                self.hosts.insert(first.to_owned());
            }
        }
        self
    }

    /// Learns a secret, which is taken out wherever it stands.
    #[must_use]
    pub fn secret(mut self, value: &str) -> Self {
        if value.len() >= SHORTEST_SECRET {
            self.secrets.insert(value.to_owned());
        }
        self
    }

    /// Learns the secrets among environment variables, by their names.
    #[must_use]
    pub fn variables<'a>(self, variables: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        variables
            // A path or an address of a socket is no secret, and would be missed in the text.
            .filter(|(name, value)| names_a_secret(name) && !value.starts_with('/'))
            .fold(self, |redactor, (_, value)| redactor.secret(value))
    }

    /// A text without them, line by line; what lies between the lines of a private key goes as well.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let mut in_key = false;
        let mut lines = Vec::new();
        for line in text.split('\n') {
            let begins = line.contains("-----BEGIN") && line.contains("KEY");
            if in_key || begins {
                in_key = !line.contains("-----END");
                lines.push(SECRET.to_owned());
            } else {
                lines.push(self.line(line));
            }
        }
        lines.join("\n")
    }

    fn line(&self, line: &str) -> String {
        let mut line = line.to_owned();
        // The longest first: one may be the beginning of another.
        let mut known: Vec<_> = self.secrets.iter().collect();
        known.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        for secret in known {
            line = line.replace(secret.as_str(), SECRET);
        }
        for pattern in patterns() {
            line = pattern
                .replace_all(&line, |found: &Captures<'_>| {
                    let before = found.name("before").map_or("", |part| part.as_str());
                    format!("{before}{SECRET}")
                })
                .into_owned();
        }
        line = runs(&line);
        for home in self.homes.iter().rev() {
            line = whole_words(&line, home, HOME);
        }
        for (names, mark) in [(&self.users, USER), (&self.hosts, HOST)] {
            let mut names: Vec<_> = names.iter().collect();
            names.sort_by_key(|name| std::cmp::Reverse(name.len()));
            for name in names {
                line = whole_words(&line, name, mark);
            }
        }
        line
    }
}

/// True when a variable or a key of this name holds a secret.
#[must_use]
pub fn names_a_secret(name: &str) -> bool {
    static PATTERN: OnceLock<Regex> = OnceLock::new();
    PATTERN
        .get_or_init(|| Regex::new(&format!("(?i){NAMES}|(^|_)key$")).expect("a constant"))
        .is_match(name)
}

/// Secrets by what stands in front of them, or by how they begin.
fn patterns() -> &'static [Regex] {
    static PATTERNS: OnceLock<Vec<Regex>> = OnceLock::new();
    PATTERNS.get_or_init(|| {
        [
            // Authorization: Bearer …, and the same without the header's name.
            r"(?i)(?P<before>\b(?:proxy-)?authorization\W{1,4}).+".to_owned(),
            r"(?i)(?P<before>\b(?:bearer|basic)\s+)[^\s,;]+".to_owned(),
            // https://name:password@host, https://token@host
            r"(?P<before>://)[^/\s@]+@".to_owned(),
            // token=…, "api_key": "…", --password …, Cookie: …
            format!(
                r#"(?i)(?P<before>[\w.-]*(?:{NAMES})[\w.-]*["']?(?:\s*[:=]\s*|\s+))(?:"[^"]*"?|'[^']*'?|[^\s,;&"']+)"#
            ),
            r#"(?i)(?P<before>\b\w*_key["']?\s*[:=]\s*)(?:"[^"]*"?|'[^']*'?|[^\s,;&"']+)"#.to_string(),
            // Those of well-known services, whatever their length.
            r"(?:sk|pk|rk)[-_](?:live|test|proj|ant|or)[-_][\w-]+".to_owned(),
            r"(?:gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|hf_|npm_|pypi-)[\w-]{8,}".to_owned(),
            r"\b(?:AKIA|ASIA)[0-9A-Z]{12,}".to_owned(),
            r"\beyJ[\w-]{6,}\.[\w.-]*".to_owned(),
        ]
        .iter()
        .map(|pattern| Regex::new(pattern).expect("a constant"))
        .collect()
    })
}

/// Takes out runs of characters that look like keys.
fn runs(line: &str) -> String {
    let is_of_key = |letter: char| letter.is_ascii_alphanumeric() || "_+=-".contains(letter);
    let with_slashes = pieces(
        line,
        |letter| is_of_key(letter) || letter == '/',
        |run| {
            run.len() >= KEY_LENGTH_WITH_SLASHES
                && !run.starts_with('/')
                && run.contains('/')
                && run.contains(|letter: char| letter.is_ascii_digit())
                && run.contains(|letter: char| letter.is_ascii_uppercase())
                && run.contains(|letter: char| letter.is_ascii_lowercase())
        },
    );
    pieces(&with_slashes, is_of_key, |run| {
        run.len() >= KEY_LENGTH
            && run.contains(|letter: char| letter.is_ascii_digit())
            && run.contains(|letter: char| letter.is_ascii_alphabetic())
    })
}

/// Replaces each longest run of some characters that is found to be a key.
fn pieces(line: &str, belongs: impl Fn(char) -> bool, is_key: impl Fn(&str) -> bool) -> String {
    let mut result = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(start) = rest.find(&belongs) {
        let length = rest[start..]
            .find(|letter| !belongs(letter))
            .unwrap_or(rest.len() - start);
        let run = &rest[start..start + length];
        result.push_str(&rest[..start]);
        result.push_str(if is_key(run) { SECRET } else { run });
        rest = &rest[start + length..];
    }
    result.push_str(rest);
    result
}

/// Replaces a name where it is not a part of a longer word.
fn whole_words(line: &str, name: &str, mark: &str) -> String {
    let inner = |letter: Option<char>| letter.is_some_and(|it| it.is_alphanumeric() || it == '_');
    let mut result = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(name) {
        let (before, behind) = (&rest[..at], &rest[at + name.len()..]);
        let last = before.chars().next_back().or(result.chars().next_back());
        result.push_str(before);
        let goes_on = (inner(last) && inner(name.chars().next()))
            || (inner(behind.chars().next()) && inner(name.chars().next_back()));
        result.push_str(if goes_on { name } else { mark });
        rest = behind;
    }
    result.push_str(rest);
    result
}

#[cfg(test)]
mod tests;
