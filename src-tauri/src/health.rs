//! One GET to the sidecar's own service, with a bound on everything.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use serde::Serialize;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_ANSWER_BYTES: usize = 64 * 1024;

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

/// Fills in the URL and fetches it. Blocks for at most a few seconds.
#[must_use]
pub fn ask(template: &str, fields: &BTreeMap<String, String>) -> Health {
    let (url, result) = match fill(template, fields) {
        Ok(url) => {
            let result = get(&url);
            (url, result)
        }
        Err(error) => (template.to_owned(), Err(error)),
    };
    let (status, body, error) = match result {
        Ok((status, body)) => (Some(status), Some(body), None),
        Err(error) => (None, None, Some(error)),
    };
    Health {
        url,
        status,
        body,
        error,
    }
}

/// Puts the sidecar's own values in place of `{name}`.
fn fill(template: &str, fields: &BTreeMap<String, String>) -> Result<String, String> {
    let mut url = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after
            .split_once('}')
            .ok_or_else(|| format!("`health` in sidecar.json has no closing brace: {template}"))?;
        let value = fields.get(name).ok_or_else(|| {
            format!("The sidecar printed no line with {name}=… before READY, which `health` in sidecar.json needs.")
        })?;
        url.push_str(before);
        url.push_str(value);
        rest = after;
    }
    url.push_str(rest);
    Ok(url)
}

/// Splits `http://host:port/path` of this computer.
fn parse(url: &str) -> Result<(&str, &str), String> {
    let rest = url
        .strip_prefix("http://")
        .ok_or_else(|| format!("`health` in sidecar.json has to start with http://, not {url}"))?;
    let at = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(at);
    let host = authority
        .rsplit_once(':')
        .map_or(authority, |(host, _)| host);
    if !matches!(host, "127.0.0.1" | "localhost" | "[::1]") {
        return Err(format!(
            "`health` in sidecar.json has to name this computer, not {host:?}"
        ));
    }
    if !authority.contains("]:") && !authority.starts_with('[') && !authority.contains(':') {
        return Err(format!(
            "`health` in sidecar.json has to name a port: {url}"
        ));
    }
    let is_plain = path.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_plain {
        return Err(format!(
            "`health` in sidecar.json has to be a plain URL, not {url:?}"
        ));
    }
    Ok((authority, if path.is_empty() { "/" } else { path }))
}

fn get(url: &str) -> Result<(u16, String), String> {
    let (authority, path) = parse(url)?;
    let fail = |what: &str, error: std::io::Error| format!("{what} {authority} failed: {error}");
    let deadline = Instant::now() + TOTAL_TIMEOUT;
    let address = authority
        .to_socket_addrs()
        .map_err(|error| fail("Finding", error))?
        .next()
        .ok_or_else(|| format!("{authority} is no address"))?;
    let mut stream = TcpStream::connect_timeout(&address, CONNECT_TIMEOUT)
        .map_err(|error| fail("Connecting to", error))?;
    stream
        .set_write_timeout(Some(CONNECT_TIMEOUT))
        .map_err(|error| fail("Setting up", error))?;
    // HTTP/1.0, so that the answer ends with the connection and is never chunked.
    // In one write: a server that answers after the first part and closes would reset the rest.
    let request = format!("GET {path} HTTP/1.0\r\nHost: {authority}\r\nAccept: */*\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .map_err(|error| fail("Writing to", error))?;
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while answer.len() < MAX_ANSWER_BYTES {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(format!(
                "{authority} did not answer within {} s",
                TOTAL_TIMEOUT.as_secs()
            ));
        }
        stream
            .set_read_timeout(Some(left))
            .map_err(|error| fail("Setting up", error))?;
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => answer.extend_from_slice(&buffer[..count]),
            Err(error) => return Err(fail("Reading from", error)),
        }
    }
    split_answer(&answer).ok_or_else(|| format!("{authority} did not answer in HTTP"))
}

fn split_answer(answer: &[u8]) -> Option<(u16, String)> {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut words = head.split(' ');
    words.next().filter(|word| word.starts_with("HTTP/"))?;
    Some((words.next()?.parse().ok()?, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn fields(port: u16) -> BTreeMap<String, String> {
        BTreeMap::from([("port".to_owned(), port.to_string())])
    }

    fn serve(answer: &'static [u8]) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let port = listener.local_addr().expect("known").port();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("accepted");
            let mut request = [0; 1024];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer);
        });
        port
    }

    #[test]
    fn the_answer_of_the_service_is_given() {
        let port = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
        let health = ask("http://127.0.0.1:{port}/health", &fields(port));
        assert_eq!(
            (health.status, health.body.as_deref()),
            (Some(200), Some("{}"))
        );
        assert_eq!(health.url, format!("http://127.0.0.1:{port}/health"));
    }

    #[test]
    fn what_keeps_it_from_answering_is_said() {
        let port = serve(b"not http");
        for (template, part) in [
            ("http://127.0.0.1:{port}/", "did not answer in HTTP"),
            ("http://127.0.0.1:{portt}/", "portt="),
            ("https://127.0.0.1:1/", "http://"),
            ("http://example.org:80/", "this computer"),
            ("http://127.0.0.1/", "a port"),
            ("http://127.0.0.1:1/", "failed"),
            ("http://127.0.0.1:{port", "brace"),
        ] {
            let error = ask(template, &fields(port)).error.expect(template);
            assert!(error.contains(part), "{template}: {error}");
        }
    }

    #[test]
    fn an_endless_answer_is_cut() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let port = listener.local_addr().expect("known").port();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("accepted");
            let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n");
            while stream.write_all(&[b'x'; 4096]).is_ok() {}
        });
        let body = ask("http://127.0.0.1:{port}/", &fields(port))
            .body
            .expect("read");
        assert!(body.len() <= MAX_ANSWER_BYTES + 4096);
    }
}
