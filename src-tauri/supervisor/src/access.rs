//! What lets a page talk to its sidecar: a port of its own, and a secret that nobody else has.
//!
//! Both are new at each launch. The port is in the picture like any argument; the token is not: it
//! is in no event, no journal and no diagnosis, and what the sidecar prints of it is hidden.

use std::fmt::{self, Write as _};
use std::io;

/// Has the port to listen on, when one is asked for.
pub const PORT_VARIABLE: &str = "SIDECAR_PORT";
/// Has the secret of this launch, when one is asked for.
pub const TOKEN_VARIABLE: &str = "SIDECAR_TOKEN";

const TOKEN_BYTES: usize = 32;
/// What stands in a line in place of the token.
const HIDDEN: &str = "[token]";

/// The secret of one launch: 256 random bits of the system, in hexadecimal digits.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Draws a new one.
    ///
    /// # Errors
    /// When the system has no random bytes to give.
    pub fn draw() -> io::Result<Self> {
        let mut bytes = [0; TOKEN_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
        let mut text = String::with_capacity(2 * TOKEN_BYTES);
        for byte in bytes {
            let _ = write!(text, "{byte:02x}");
        }
        Ok(Self(text))
    }

    /// The secret itself; it belongs into an `Authorization` header and nowhere else.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// The text without the secret.
    #[must_use]
    pub fn hide(&self, text: String) -> String {
        if text.contains(&self.0) {
            text.replace(&self.0, HIDDEN)
        } else {
            text
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(HIDDEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_is_another_one_and_shows_itself_only_when_asked() {
        let (one, other) = (Token::draw().expect("drawn"), Token::draw().expect("drawn"));
        assert_ne!(one, other);
        assert_eq!(one.secret().len(), 64);
        assert!(one.secret().bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_eq!(format!("{one:?}"), HIDDEN);
    }

    #[test]
    fn what_is_printed_of_it_is_hidden() {
        let token = Token::draw().expect("drawn");
        let secret = token.secret();
        let line = format!("Authorization: Bearer {secret}, {secret}");
        assert_eq!(token.hide(line), "Authorization: Bearer [token], [token]");
        assert_eq!(token.hide("READY".to_owned()), "READY");
    }
}
