//! A port for the sidecar, handed over in its arguments or its environment.

use std::io;
use std::net::{Ipv4Addr, TcpListener};

/// Stands for the port in arguments, in values of the environment and in URLs.
pub const FREE_PORT: &str = "{free_port}";
/// The name in it.
pub const FREE_PORT_FIELD: &str = "free_port";

/// A port that was free on 127.0.0.1 a moment ago.
///
/// # Errors
/// When the system gives none: no descriptor, no network, all ports in use.
pub fn find() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

/// The text with the port in it.
#[must_use]
pub fn hand_over(text: &str, port: u16) -> String {
    text.replace(FREE_PORT, &port.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_found_port_is_free_and_another_each_time() {
        let first = find().expect("a port");
        let held = TcpListener::bind((Ipv4Addr::LOCALHOST, first)).expect("free");
        assert_ne!(find().expect("a port"), first);
        drop(held);
    }

    #[test]
    fn only_the_whole_field_is_replaced() {
        assert_eq!(
            hand_over("--port={free_port} {free} {{free_port}}", 80),
            "--port=80 {free} {80}"
        );
    }
}
