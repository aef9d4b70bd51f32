//! What a sidecar's own service answers once it is ready.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use sidecar_supervisor::http::{self, Bounds};
use sidecar_supervisor::{FREE_PORT_FIELD, Snapshot, Token, UrlError, UrlTemplate};

use super::hub::Hub;
use crate::models::HealthAnswer;

const BOUNDS: Bounds = Bounds {
    connect: Duration::from_secs(2),
    head: Duration::from_secs(5),
    body: Duration::from_secs(2),
};

/// Asks in a thread of its own, since the answer may take seconds, and tells the hub.
pub(super) fn ask(hub: &Arc<Hub>, name: &str, url: &UrlTemplate, ready: &Snapshot) {
    let launch = ready.launch;
    let launched = ready.launched.as_ref();
    let token = launched.and_then(|launched| launched.token.clone());
    let handed = launched.and_then(|launched| launched.free_port);
    let (teller, template, owner) = (Arc::clone(hub), url.clone(), name.to_owned());
    let asking = thread::Builder::new()
        .name("sidecar-health".to_owned())
        .spawn(move || {
            let fields = teller.fields(&owner);
            let said = teller.port(&owner, launch);
            let answer = answer(&template, token.as_ref(), |field| match field {
                FREE_PORT_FIELD => handed.map(|port| port.to_string()),
                // Never what another line calls a port: the token goes there.
                "port" => said.or(handed).map(|port| port.to_string()),
                field => fields.get(field).cloned(),
            });
            teller.take_health(&owner, launch, answer);
        });
    if let Err(error) = asking {
        let why = format!("A thread to ask it with cannot be started: {error}.");
        hub.take_health(name, launch, failed(url.as_str(), why));
    }
}

fn answer(
    template: &UrlTemplate,
    token: Option<&Token>,
    value: impl Fn(&str) -> Option<String>,
) -> HealthAnswer {
    let url = match template.fill(value) {
        Ok(url) => url,
        Err(UrlError::Field(name)) => {
            let why = format!(
                "The sidecar printed no line with {name}=… before READY, which `health` needs."
            );
            return failed(template.as_str(), why);
        }
        Err(error) => return failed(template.as_str(), format!("`health` {error}")),
    };
    match http::get_as(&url, token, BOUNDS) {
        Ok(answer) => HealthAnswer {
            url: url.as_str().to_owned(),
            status: Some(answer.status),
            // A service may answer with what it was asked by.
            body: Some(match token {
                Some(token) => token.hide(answer.body),
                None => answer.body,
            }),
            error: None,
        },
        Err(error) => failed(url.as_str(), error.to_string()),
    }
}

fn failed(url: &str, error: String) -> HealthAnswer {
    HealthAnswer {
        url: url.to_owned(),
        status: None,
        body: None,
        error: Some(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    fn asked(template: &str, port: u16) -> HealthAnswer {
        let template = UrlTemplate::new(template).expect("valid");
        answer(&template, None, |field| {
            (field == "port").then(|| port.to_string())
        })
    }

    #[test]
    fn the_answer_of_the_service_is_given() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let port = listener.local_addr().expect("known").port();
        thread::spawn(move || {
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
            ("http://127.0.0.1:{port}/", 0, "`health` has to name a port"),
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
