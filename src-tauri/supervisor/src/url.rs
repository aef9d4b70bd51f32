//! URLs of services on this computer.

/// Why a text is no URL of a service on this computer. Each reads on after the name of its key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Another scheme, or none.
    #[error("has to start with http://, not {0:?}")]
    Scheme(String),
    /// Another computer.
    #[error("has to name this computer (127.0.0.1, localhost or [::1]), not {0:?}")]
    Host(String),
    /// No port, or no number for it.
    #[error("has to name a port from 1 to 65535: {0:?}")]
    Port(String),
    /// Spaces or other characters that a URL has to escape.
    #[error("has to be a plain URL, not {0:?}")]
    Characters(String),
    /// A field that does not end.
    #[error("has no closing brace: {0:?}")]
    Brace(String),
    /// A field whose value is not known.
    #[error("has the field {{{0}}}, whose value is not known")]
    Field(String),
}

/// A URL of a service on this computer; fields in braces are filled in when they are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlTemplate {
    text: String,
}

impl UrlTemplate {
    /// Checks a template such as `http://127.0.0.1:{free_port}/health`.
    ///
    /// # Errors
    /// When no value of its fields makes it a URL of this computer.
    pub fn new(text: impl Into<String>) -> Result<Self, UrlError> {
        let template = Self { text: text.into() };
        // A digit is good as a port and in a path; a host has to be there as it is.
        template.fill(|_| Some("1".to_owned()))?;
        Ok(template)
    }

    /// The names in braces.
    ///
    /// # Errors
    /// When one does not end.
    fn parts(&self) -> Result<Vec<(&str, Option<&str>)>, UrlError> {
        let mut parts = Vec::new();
        let mut rest = self.text.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after
                .split_once('}')
                .ok_or_else(|| UrlError::Brace(self.text.clone()))?;
            parts.push((before, Some(name)));
            rest = after;
        }
        parts.push((rest, None));
        Ok(parts)
    }

    /// True when this field is in it.
    #[must_use]
    pub fn has_field(&self, name: &str) -> bool {
        self.fields().any(|field| field == name)
    }

    /// The names of its fields.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        let parts = self.parts().unwrap_or_default();
        parts.into_iter().filter_map(|(_, name)| name)
    }

    /// The template as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Puts values in place of the fields.
    ///
    /// # Errors
    /// When a value is not known, or what comes of it is no URL of this computer.
    pub fn fill(&self, value: impl Fn(&str) -> Option<String>) -> Result<LocalUrl, UrlError> {
        let mut text = String::new();
        for (before, name) in self.parts()? {
            text.push_str(before);
            if let Some(name) = name {
                text.push_str(&value(name).ok_or_else(|| UrlError::Field(name.to_owned()))?);
            }
        }
        LocalUrl::new(text)
    }
}

/// `http://host:port/path` of this computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalUrl {
    text: String,
    /// Where host and port end in the text, and the path begins.
    path_at: usize,
    port: u16,
}

const SCHEME: &str = "http://";

impl LocalUrl {
    /// Checks a URL.
    ///
    /// # Errors
    /// When it is none of a service on this computer.
    pub fn new(text: String) -> Result<Self, UrlError> {
        let Some(rest) = text.strip_prefix(SCHEME) else {
            return Err(UrlError::Scheme(text));
        };
        let authority_len = rest.find(['/', '?']).unwrap_or(rest.len());
        let authority = &rest[..authority_len];
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        if !matches!(host, "127.0.0.1" | "localhost" | "[::1]") {
            return Err(UrlError::Host(host.to_owned()));
        }
        let port = port
            .filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|port| port.parse().ok())
            .filter(|port| *port > 0);
        let Some(port) = port else {
            return Err(UrlError::Port(text));
        };
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(UrlError::Characters(text));
        }
        Ok(Self {
            path_at: SCHEME.len() + authority_len,
            text,
            port,
        })
    }

    /// The URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Host and port.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.text[SCHEME.len()..self.path_at]
    }

    /// What is asked for: the path, which begins with a slash also when the URL has none.
    #[must_use]
    pub fn target(&self) -> String {
        let path = &self.text[self.path_at..];
        let slash = if path.starts_with('/') { "" } else { "/" };
        format!("{slash}{path}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_checked_before_its_fields_are_known() {
        for (text, part) in [
            ("https://127.0.0.1:1/", "http://"),
            ("127.0.0.1:1", "http://"),
            ("http://example.org:80/", "this computer"),
            ("http://127.0.0.1.example.org:80/", "this computer"),
            ("http://user@127.0.0.1:80/", "this computer"),
            ("http://{host}:80/", "this computer"),
            ("http://127.0.0.1/", "a port"),
            ("http://[::1]/", "a port"),
            ("http://127.0.0.1:http/", "a port"),
            ("http://127.0.0.1:0/", "a port"),
            ("http://127.0.0.1:65536/", "a port"),
            ("http://127.0.0.1:1/a b", "plain"),
            ("http://127.0.0.1:1/\u{e9}", "plain"),
            ("http://127.0.0.1:{port", "brace"),
        ] {
            let error = UrlTemplate::new(text).expect_err(text).to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
        for text in [
            "http://127.0.0.1:80",
            "http://localhost:{free_port}/x",
            "http://[::1]:{p}?q={q}",
        ] {
            UrlTemplate::new(text).expect(text);
        }
    }

    #[test]
    fn fields_are_filled_in() {
        let template = UrlTemplate::new("http://127.0.0.1:{free_port}/{name}").expect("valid");
        assert!(template.has_field("free_port") && !template.has_field("port"));
        let value = |name: &str| (name == "free_port").then(|| "4711".to_owned());
        assert_eq!(
            template.fill(value),
            Err(UrlError::Field("name".to_owned()))
        );
        let url = template
            .fill(|name| value(name).or(Some("a".to_owned())))
            .expect("valid");
        assert_eq!(
            (url.as_str(), url.port()),
            ("http://127.0.0.1:4711/a", 4711)
        );
        // A value is as little trusted as the template.
        let other = template.fill(|_| Some("1@example.org:80".to_owned()));
        assert!(matches!(other, Err(UrlError::Host(_))), "{other:?}");
    }
}
