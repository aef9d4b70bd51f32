//! A port for the sidecar, handed over in its arguments or its environment.

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Mutex, PoisonError};

/// Stands for the port in arguments, in values of the environment and in URLs.
pub const FREE_PORT: &str = "{free_port}";
/// The name in it.
pub const FREE_PORT_FIELD: &str = "free_port";

/// Far more sidecars than start at the same time, far fewer ports than the system has.
const REMEMBERED: usize = 1024;

static HANDED_OVER: Mutex<VecDeque<u16>> = Mutex::new(VecDeque::new());

/// A port that was free on 127.0.0.1 a moment ago, and none of those found lately.
///
/// The system may give a closed port again, while the sidecar that it was handed to still starts.
///
/// # Errors
/// When the system gives none: no descriptor, no network, all ports in use.
pub fn find() -> io::Result<u16> {
    loop {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        let mut handed_over = HANDED_OVER.lock().unwrap_or_else(PoisonError::into_inner);
        if handed_over.contains(&port) {
            continue;
        }
        if handed_over.len() == REMEMBERED {
            handed_over.pop_front();
        }
        handed_over.push_back(port);
        return Ok(port);
    }
}

/// The text with the port in it.
#[must_use]
pub fn hand_over(text: &str, port: u16) -> String {
    text.replace(FREE_PORT, &port.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_found_port_is_free() {
        TcpListener::bind((Ipv4Addr::LOCALHOST, find().expect("a port"))).expect("free");
    }

    #[test]
    fn sidecars_that_start_at_once_get_different_ports() {
        let ports: HashSet<u16> = (0..REMEMBERED).map(|_| find().expect("a port")).collect();
        assert_eq!(ports.len(), REMEMBERED);
    }

    #[test]
    fn only_the_whole_field_is_replaced() {
        assert_eq!(
            hand_over("--port={free_port} {free} {{free_port}}", 80),
            "--port=80 {free} {80}"
        );
    }
}
