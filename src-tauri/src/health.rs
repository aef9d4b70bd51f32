//! What the sidecar's own service answers after READY.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use sidecar_supervisor::http::{self, Bounds};
use sidecar_supervisor::{UrlError, UrlTemplate};

const BOUNDS: Bounds = Bounds {
    connect: Duration::from_secs(2),
    head: Duration::from_secs(5),
    body: Duration::from_secs(2),
};

/// What the service answered, or why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    /// The URL, with its fields filled in as far as they were known.
    pub url: String,
    /// The HTTP status.
    pub status: Option<u16>,
    /// The body, cut at the bound.
    pub body: Option<String>,
    /// Why there is no answer.
    pub error: Option<String>,
}

impl Health {
    /// There is no answer.
    #[must_use]
    pub fn failed(url: &str, error: String) -> Self {
        Self {
            url: url.to_owned(),
            status: None,
            body: None,
            error: Some(error),
        }
    }
}

/// Fills in the URL and fetches it. Blocks for at most a few seconds.
#[must_use]
pub fn ask(template: &UrlTemplate, fields: &BTreeMap<String, String>) -> Health {
    let url = match template.fill(|name| fields.get(name).cloned()) {
        Ok(url) => url,
        Err(UrlError::Field(name)) => {
            let why = format!(
                "The sidecar printed no line with {name}=… before READY, which `health` in \
                 sidecar.json needs."
            );
            return Health::failed(template.as_str(), why);
        }
        Err(error) => {
            let why = format!("`health` in sidecar.json {error}");
            return Health::failed(template.as_str(), why);
        }
    };
    match http::get(&url, BOUNDS) {
        Ok(answer) => Health {
            url: url.as_str().to_owned(),
            status: Some(answer.status),
            body: Some(answer.body),
            error: None,
        },
        Err(error) => Health::failed(url.as_str(), error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    fn asked(template: &str, port: u16) -> Health {
        let template = UrlTemplate::new(template).expect("valid");
        let fields = BTreeMap::from([("port".to_owned(), port.to_string())]);
        ask(&template, &fields)
    }

    #[test]
    fn the_answer_of_the_service_is_given() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let port = listener.local_addr().expect("known").port();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("accepted");
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\n{}");
        });
        let health = asked("http://127.0.0.1:{port}/health", port);
        assert_eq!(
            (health.status, health.body.as_deref()),
            (Some(503), Some("{}"))
        );
        assert_eq!(health.url, format!("http://127.0.0.1:{port}/health"));
    }

    #[test]
    fn what_keeps_it_from_answering_is_said() {
        for (template, port, part) in [
            ("http://127.0.0.1:{portt}/", 1, "portt="),
            (
                "http://127.0.0.1:{port}/",
                0,
                "`health` in sidecar.json has to name a port",
            ),
            (
                "http://127.0.0.1:{port}/",
                1,
                "Connecting to 127.0.0.1:1 failed",
            ),
        ] {
            let error = asked(template, port).error.expect(template);
            assert!(error.contains(part), "{template}: {error}");
        }
    }
}
