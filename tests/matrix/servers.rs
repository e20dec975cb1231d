//! Services over HTTP that are not there, say nothing, too much, something else, or no.

use std::{net::TcpListener, sync::OnceLock, time::Duration};

use super::{
    DEADLINE, Family, Fault, Given, STARTS, Scene,
    services::{BACKENDS, aside, body, project, refusal},
};
use crate::harness::{
    faults::{self, Step, head, reply},
    guarded::free_port,
    tls,
};

/// More than any of them reads.
const TOO_LARGE: usize = 100 << 20;

pub(super) const FAMILY: Family = Family {
    title: "Servers",
    backends: BACKENDS,
    faults: &[
        Fault {
            name: "nobody listens",
            classes: &["unreachable"; 4],
            arrange: |backend, given| {
                let address = format!("127.0.0.1:{}", free_port());
                at(backend, &format!("http://{address}"), given)
            },
        },
        Fault {
            name: "there is no such host",
            classes: &["unreachable"; 4],
            arrange: |backend, given| at(backend, "http://secrets.endow.invalid:8200", given),
        },
        Fault {
            name: "a connection is taken and nothing is said",
            classes: &["timed out"; 4],
            arrange: |backend, given| silent(backend, "http", given),
        },
        Fault {
            name: "the same where TLS is spoken",
            classes: &["timed out"; 4],
            arrange: |backend, given| silent(backend, "https", given),
        },
        Fault {
            name: "the request is read and nothing is said",
            classes: &["timed out"; 4],
            arrange: |backend, given| answering(backend, given, |_, _, _| vec![Step::Hold]),
        },
        Fault {
            name: "the certificate is not trusted",
            classes: &["unreachable"; 4],
            arrange: |backend, given| {
                static SERVER: OnceLock<tls::Server> = OnceLock::new();
                let server = SERVER.get_or_init(|| tls::Server::start("http://127.0.0.1:1"));
                at(backend, &server.url(), given).patient()
            },
        },
        Fault {
            name: "the connection is reset",
            classes: &["unreachable"; 4],
            arrange: |backend, given| answering(backend, given, |_, _, _| vec![Step::Reset]),
        },
        Fault {
            name: "the answer ends in its middle",
            classes: &["unreachable"; 4],
            arrange: |backend, given| {
                answering(backend, given, |_, good, _| {
                    let half = good.as_bytes()[..good.len() - 2].to_vec();
                    vec![head(200, good.len()), Step::Send(half)]
                })
            },
        },
        Fault {
            name: "the answer comes byte by byte",
            classes: &["timed out"; 4],
            arrange: |backend, given| {
                answering(backend, given, |_, good, _| {
                    let mut steps = vec![head(200, good.len())];
                    let pause = DEADLINE * 3 / u32::try_from(good.len()).expect("a short answer");
                    for byte in good.bytes() {
                        steps.extend([Step::Send(vec![byte]), Step::Wait(pause)]);
                    }
                    steps
                })
            },
        },
        Fault {
            name: "the answer is no answer of the service",
            classes: &["malformed"; 4],
            arrange: |backend, given| {
                let portal = format!("<html>sign in to the hotel {}</html>", given.value);
                answering(backend, given, move |_, _, _| reply(200, &[], &portal))
            },
        },
        Fault {
            name: "the answer has 100 MiB",
            classes: &["malformed"; 4],
            arrange: |backend, given| {
                answering(backend, given, |_, _, _| {
                    vec![head(200, TOO_LARGE), Step::Flood(TOO_LARGE)]
                })
            },
        },
        Fault {
            name: "400",
            classes: &["malformed"; 4],
            arrange: |backend, given| always(backend, 400, given),
        },
        Fault {
            name: "401; of AWS `UnrecognizedClientException`",
            classes: &["unauthenticated"; 4],
            arrange: |backend, given| always(backend, 401, given),
        },
        Fault {
            name: "403; of AWS `AccessDeniedException`",
            classes: &["denied"; 4],
            arrange: |backend, given| always(backend, 403, given),
        },
        Fault {
            name: "404; of AWS `ResourceNotFoundException` or `InvalidParameters`",
            classes: &["absent"; 4],
            arrange: |backend, given| always(backend, 404, given),
        },
        Fault {
            name: "429",
            classes: &["throttled"; 4],
            arrange: |backend, given| always(backend, 429, given),
        },
        Fault {
            name: "429 with a `Retry-After` beyond the deadline",
            classes: &["throttled"; 4],
            arrange: |backend, given| {
                let later = [("retry-after", "3600")];
                answering(backend, given, move |_, _, _| reply(429, &later, ""))
            },
        },
        Fault {
            name: "500",
            classes: &["unreachable"; 4],
            arrange: |backend, given| always(backend, 500, given),
        },
        Fault {
            name: "503",
            classes: &["unreachable"; 4],
            arrange: |backend, given| always(backend, 503, given),
        },
        Fault {
            name: "503 twice, then the value",
            classes: &[STARTS; 4],
            arrange: |backend, given| {
                answering(backend, given, |refused, good, before| match before {
                    0 | 1 => refused(503),
                    _ => reply(200, &[("content-type", "application/json")], good),
                })
            },
        },
        Fault {
            name: "a pause, then the value",
            classes: &[STARTS; 4],
            arrange: |backend, given| {
                answering(backend, given, |_, good, _| {
                    let mut steps = vec![Step::Wait(Duration::from_millis(500))];
                    steps.extend(reply(200, &[("content-type", "application/json")], good));
                    steps
                })
            },
        },
    ],
};

fn at(backend: &str, url: &str, given: &Given) -> Scene {
    let address = url.rsplit_once('/').map_or(url, |(_, address)| address);
    let culprit = match backend {
        "aws-sm" => "Secrets Manager in eu-west-1",
        "aws-ssm" => "Parameter Store in eu-west-1",
        _ => address,
    };
    Scene::new(project(backend, url, given), culprit)
}

/// Whoever connects waits in the backlog: nobody ever accepts.
fn silent(backend: &str, scheme: &str, given: &Given) -> Scene {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    at(backend, &format!("{scheme}://{address}"), given).keep(listener)
}

fn always(backend: &str, status: u16, given: &Given) -> Scene {
    answering(backend, given, move |refused, _, _| refused(status))
}

/// A server that answers requests for the value by a script, and all others in health. The script
/// is given how the service refuses by a status, its good answer, and how many requests came before.
fn answering(
    backend: &str,
    given: &Given,
    script: impl Fn(&dyn Fn(u16) -> Vec<Step>, &str, usize) -> Vec<Step> + Send + Sync + 'static,
) -> Scene {
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let (count, of_server) = (asked.clone(), backend.to_owned());
    let of_script = Given {
        value: given.value.clone(),
        credential: given.credential.clone(),
    };
    let server = faults::start(move |request, _| {
        if let Some(answer) = aside(&of_server, request) {
            return answer;
        }
        let before = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let refused = |status| refusal(&of_server, status, &of_script);
        script(&refused, &body(&of_server, &of_script), before)
    });
    at(backend, &server.url(), given)
        .keep(server)
        .waits(move || asked.load(std::sync::atomic::Ordering::SeqCst) > 0)
}
