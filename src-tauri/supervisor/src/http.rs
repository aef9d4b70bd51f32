//! One GET to a service of this computer, with a bound on everything.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use crate::access::Token;
use crate::url::LocalUrl;

const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// On this computer a connection is made or refused at once; only a full queue takes longer.
const LISTENING_BOUND: Duration = Duration::from_millis(200);

/// True when somebody listens at the URL's port.
#[must_use]
pub fn is_listened_at(url: &LocalUrl) -> bool {
    let addresses = addresses(url).unwrap_or_default();
    addresses
        .iter()
        .any(|address| TcpStream::connect_timeout(address, LISTENING_BOUND).is_ok())
}

fn addresses(url: &LocalUrl) -> Result<Vec<SocketAddr>, HttpError> {
    let found = url.authority().to_socket_addrs();
    Ok(found
        .map_err(|error| failed(url, "Finding", &error))?
        .collect())
}

fn failed(url: &LocalUrl, what: &'static str, error: &io::Error) -> HttpError {
    HttpError::Failed {
        what,
        authority: url.authority().to_owned(),
        error: error.to_string(),
    }
}

/// How long a GET may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// For the connection to be made.
    pub connect: Duration,
    /// From the beginning to the end of the answer's head.
    pub head: Duration,
    /// From there on for the body: what has come by then is given.
    pub body: Duration,
}

/// What a service answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, cut at a bound.
    pub body: String,
    /// When the head was there.
    pub at: Instant,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// Nobody listens there.
    #[error("Connecting to {authority} failed: {error}")]
    NotConnected {
        /// Host and port.
        authority: String,
        /// The operating system's text.
        error: String,
    },
    /// The connection broke off.
    #[error("{what} {authority} failed: {error}")]
    Failed {
        /// What was being done.
        what: &'static str,
        /// Host and port.
        authority: String,
        /// The operating system's text.
        error: String,
    },
    /// The time was up.
    #[error("{authority} did not answer within {} ms", bound.as_millis())]
    Silent {
        /// Host and port.
        authority: String,
        /// How long it was waited for.
        bound: Duration,
    },
    /// It speaks something else.
    #[error("{authority} did not answer in HTTP")]
    NotHttp {
        /// Host and port.
        authority: String,
    },
}

/// Asks a service of this computer, without TLS and without following a redirection.
///
/// # Errors
/// When no answer comes in time, or what comes is not HTTP.
pub fn get(url: &LocalUrl, bounds: Bounds) -> Result<Answer, HttpError> {
    get_as(url, None, bounds)
}

/// The same, showing the secret of a launch. Only a sidecar that is known to listen there may see it.
///
/// # Errors
/// As [`get`].
pub fn get_as(url: &LocalUrl, token: Option<&Token>, bounds: Bounds) -> Result<Answer, HttpError> {
    let mut until = Instant::now() + bounds.head;
    let silent = || HttpError::Silent {
        authority: url.authority().to_owned(),
        bound: bounds.head,
    };
    let mut stream = connect(url, bounds.connect.min(bounds.head))?;
    // HTTP/1.0, so that the answer ends with the connection and is never chunked.
    // In one write: a server that answers after the first part and closes would reset the rest.
    let secret = token.map_or_else(String::new, |token| {
        format!("Authorization: Bearer {}\r\n", token.secret())
    });
    let request = format!(
        "GET {} HTTP/1.0\r\nHost: {}\r\nAccept: */*\r\n{secret}\r\n",
        url.target(),
        url.authority()
    );
    stream
        .set_write_timeout(Some(bounds.head))
        .and_then(|()| stream.write_all(request.as_bytes()))
        .map_err(|error| failed(url, "Writing to", &error))?;
    let mut bytes = Vec::new();
    let mut head = None;
    let mut buffer = [0; 4096];
    while bytes.len() < MAX_ANSWER_BYTES {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        let read = stream
            .set_read_timeout(Some(left))
            .and_then(|()| stream.read(&mut buffer));
        match read {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if is_timeout(&error) => break,
            // Of an answer that breaks off there is what has come.
            Err(_) if !bytes.is_empty() => break,
            Err(error) => return Err(failed(url, "Reading from", &error)),
        }
        if head.is_none() {
            head = head_of(&bytes).map(|(status, len)| (status, len, Instant::now()));
            if let Some((_, _, at)) = head {
                until = at + bounds.body;
            }
        }
    }
    match head {
        Some((status, len, at)) => Ok(Answer {
            status,
            body: String::from_utf8_lossy(&bytes[len..]).into_owned(),
            at,
        }),
        None if Instant::now() >= until => Err(silent()),
        None => Err(HttpError::NotHttp {
            authority: url.authority().to_owned(),
        }),
    }
}

fn connect(url: &LocalUrl, bound: Duration) -> Result<TcpStream, HttpError> {
    let mut refused = "it is no address".to_owned();
    // `localhost` may be two addresses, and a service often listens at one of them.
    for address in addresses(url)? {
        match TcpStream::connect_timeout(&address, bound) {
            Ok(stream) => return Ok(stream),
            Err(error) => refused = error.to_string(),
        }
    }
    Err(HttpError::NotConnected {
        authority: url.authority().to_owned(),
        error: refused,
    })
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

/// The status of an answer whose head is complete, and the length of the head.
fn head_of(answer: &[u8]) -> Option<(u16, usize)> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    let mut words = head.split(' ');
    words.next().filter(|word| word.starts_with("HTTP/"))?;
    let status = words.next()?.split("\r\n").next()?.parse().ok()?;
    (100..=999).contains(&status).then_some((status, end + 4))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    const BOUNDS: Bounds = Bounds {
        connect: Duration::from_secs(2),
        head: Duration::from_secs(5),
        body: Duration::from_millis(300),
    };

    fn listen() -> (TcpListener, LocalUrl) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let port = listener.local_addr().expect("known").port();
        let url = LocalUrl::new(format!("http://127.0.0.1:{port}/health?deep=1"));
        (listener, url.expect("valid"))
    }

    fn serve(answer: &'static [u8]) -> (LocalUrl, thread::JoinHandle<String>) {
        let (listener, url) = listen();
        let asked = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("accepted");
            let mut request = [0; 1024];
            let count = stream.read(&mut request).expect("read");
            stream.write_all(answer).expect("written");
            String::from_utf8_lossy(&request[..count]).into_owned()
        });
        (url, asked)
    }

    #[test]
    fn the_answer_is_given() {
        let (url, asked) = serve(b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n{}");
        let answer = get(&url, BOUNDS).expect("an answer");
        assert_eq!((answer.status, answer.body.as_str()), (204, "{}"));
        let request = asked.join().expect("served");
        assert!(
            request.starts_with("GET /health?deep=1 HTTP/1.0\r\n"),
            "{request}"
        );
    }

    #[test]
    fn a_head_in_pieces_and_without_a_reason_is_understood() {
        assert_eq!(head_of(b"HTTP/1.1 200\r\n\r\n"), Some((200, 16)));
        assert_eq!(
            head_of(b"HTTP/1.0 503 No\r\nA: b\r\n\r\nbody"),
            Some((503, 25))
        );
        for incomplete in [
            &b"HTTP/1.1 200 OK\r\n"[..],
            b"SSH-2.0-x\r\n\r\n",
            b"HTTP/1.1 7\r\n\r\n",
        ] {
            assert_eq!(head_of(incomplete), None);
        }
    }

    #[test]
    fn what_keeps_it_from_answering_is_said() {
        let (url, _) = serve(b"not http");
        let error = get(&url, BOUNDS).expect_err("no HTTP");
        assert!(matches!(error, HttpError::NotHttp { .. }), "{error}");

        let (listener, url) = listen();
        assert!(is_listened_at(&url));
        let short = Bounds {
            head: Duration::from_millis(100),
            ..BOUNDS
        };
        let error = get(&url, short).expect_err("silence");
        assert!(
            error.to_string().contains("did not answer within 100 ms"),
            "{error}"
        );

        drop(listener);
        assert!(!is_listened_at(&url));
        let error = get(&url, BOUNDS).expect_err("refused");
        assert!(matches!(error, HttpError::NotConnected { .. }), "{error}");
    }

    #[test]
    fn an_answer_that_never_ends_is_cut_in_bytes_and_in_time() {
        for pause in [Duration::ZERO, Duration::from_millis(50)] {
            let (listener, url) = listen();
            thread::spawn(move || {
                let (mut stream, _) = listener.accept().expect("accepted");
                let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n");
                while stream.write_all(&[b'x'; 4096]).is_ok() {
                    thread::sleep(pause);
                }
            });
            let begun = Instant::now();
            let answer = get(&url, BOUNDS).expect("an answer");
            assert!(answer.body.len() <= MAX_ANSWER_BYTES + 4096);
            assert!(begun.elapsed() < Duration::from_secs(3));
            // The head's moment is not that of the body's end.
            assert!(answer.at.duration_since(begun) < Duration::from_millis(250));
        }
    }
}
