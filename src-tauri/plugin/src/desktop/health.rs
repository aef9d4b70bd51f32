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
    let (teller, url, owner) = (Arc::clone(hub), url.clone(), name.to_owned());
    let asking = thread::Builder::new()
        .name("sidecar-health".to_owned())
        .spawn(move || {
            let fields = teller.fields(&owner);
            let answer = answer(&url, token.as_ref(), |field| match field {
                FREE_PORT_FIELD => handed.map(|port| port.to_string()),
                "port" if !fields.contains_key("port") => handed.map(|port| port.to_string()),
                field => fields.get(field).cloned(),
            });
            teller.take_health(&owner, launch, answer);
        });
    if let Err(error) = asking {
        let why = format!("A thread to ask it with cannot be started: {error}.");
        hub.take_health(name, launch, failed(why));
    }
}

fn answer(
    url: &UrlTemplate,
    token: Option<&Token>,
    value: impl Fn(&str) -> Option<String>,
) -> HealthAnswer {
    let url = match url.fill(value) {
        Ok(url) => url,
        Err(UrlError::Field(name)) => {
            return failed(format!(
                "The sidecar printed no line with {name}=… before READY, which `health` needs."
            ));
        }
        Err(error) => return failed(format!("`health` {error}")),
    };
    match http::get_as(&url, token, BOUNDS) {
        Ok(answer) => HealthAnswer {
            status: Some(answer.status),
            body: Some(answer.body),
            error: None,
        },
        Err(error) => failed(error.to_string()),
    }
}

fn failed(error: String) -> HealthAnswer {
    HealthAnswer {
        status: None,
        body: None,
        error: Some(error),
    }
}
