//! HTTP/1.1 about a protocol: connections, limits, and an end in good order.
//!
//! One thread reads and writes, a fixed number of workers evaluates. A request is handed over whole, so that a slow client holds a
//! connection and never a worker; requests wait in a queue of bounded length, and one whose client has left is not begun.

use std::convert::Infallible;
use std::future::Future;
use std::net::TcpListener;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{ACCEPT, ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use thiserror::Error;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};

use crate::protocol::{Answer, Protocol, Refusal, Request};

/// What a server bears.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Largest body, bytes.
    pub body: usize,
    /// Longest time in which a request's head arrives, and then its body.
    pub reading: Duration,
    /// Connections at once; a further one waits.
    pub connections: usize,
    /// Evaluations at once.
    pub workers: usize,
    /// Requests that may wait for a worker.
    pub waiting: usize,
    /// How long evaluations that are under way may go on when the server is to stop.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 64 << 20,
            reading: Duration::from_secs(30),
            connections: 128,
            workers: 1,
            waiting: 128,
            grace: Duration::from_secs(10),
        }
    }
}

/// Why a server could not run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The system refused a thread, a socket or a signal handler.
    #[error("the server cannot run: {0}")]
    System(#[from] std::io::Error),
}

/// A request on its way to a worker.
struct Job {
    method: String,
    path: String,
    accept: String,
    body: Bytes,
    answer: oneshot::Sender<Answer>,
}

/// What every connection knows.
struct Shared {
    protocol: Arc<dyn Protocol>,
    limits: Limits,
    jobs: mpsc::Sender<Job>,
}

/// Serves until SIGINT or SIGTERM; then takes no new request, lets those under way end within the grace, and returns. A second
/// signal ends the waiting. `ready` is called once requests and signals are heard.
///
/// # Errors
/// [`ServeError`]; what `ready` says.
pub fn serve(
    listener: TcpListener,
    protocol: Arc<dyn Protocol>,
    limits: Limits,
    ready: impl FnOnce() -> std::io::Result<()>,
) -> Result<(), ServeError> {
    let (jobs, queue) = mpsc::channel(limits.waiting.max(1));
    let queue = Arc::new(Mutex::new(queue));
    for k in 0..limits.workers.max(1) {
        let (queue, protocol) = (Arc::clone(&queue), Arc::clone(&protocol));
        // not joined: an evaluation that outlasts the grace must not keep the program from ending
        std::thread::Builder::new()
            .name(format!("evaluation {k}"))
            .spawn(move || work(&queue, protocol.as_ref()))?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let shared = Arc::new(Shared { protocol, limits, jobs });
    runtime.block_on(async move {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let stop = Stop::listen()?;
        ready()?;
        accept(listener, shared, stop).await;
        Ok(())
    })
}

/// The signals that end a server.
struct Stop {
    #[cfg(unix)]
    signals: [tokio::signal::unix::Signal; 2],
}

impl Stop {
    fn listen() -> std::io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let signals = [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?];
            Ok(Self { signals })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// The next signal.
    async fn next(&mut self) {
        #[cfg(unix)]
        {
            let [interrupt, terminate] = &mut self.signals;
            either(pin!(interrupt.recv()), pin!(terminate.recv())).await;
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// Whichever of two futures is ready first; true for the first.
async fn either(mut a: impl Future + Unpin, mut b: impl Future + Unpin) -> bool {
    std::future::poll_fn(|context| {
        if std::pin::Pin::new(&mut a).poll(context).is_ready() {
            return std::task::Poll::Ready(true);
        }
        std::pin::Pin::new(&mut b).poll(context).map(|_| false)
    })
    .await
}

/// Takes connections until it is to stop, then waits for those that are open.
async fn accept(listener: tokio::net::TcpListener, shared: Arc<Shared>, mut stop: Stop) {
    let places = Arc::new(Semaphore::new(shared.limits.connections));
    let (stopping, stopped) = watch::channel(false);
    loop {
        let incoming = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (listener.accept().await, place)
        };
        let mut taken = None;
        {
            let next = pin!(async { taken = Some(incoming.await) });
            if !either(next, pin!(stop.next())).await {
                break;
            }
        }
        match taken {
            Some((Ok((stream, _)), Ok(place))) => {
                let (shared, stopped) = (Arc::clone(&shared), stopped.clone());
                tokio::spawn(async move {
                    connection(TokioIo::new(stream), shared, stopped).await;
                    drop(place);
                });
            }
            // out of file descriptors, or the client has gone: others may come
            _ => sleep(Duration::from_millis(20)).await,
        }
    }
    drop(listener);
    let _ = stopping.send(true);
    let all = u32::try_from(shared.limits.connections).unwrap_or(u32::MAX);
    let over = pin!(async {
        let _ = timeout(shared.limits.grace, places.acquire_many(all)).await;
    });
    either(over, pin!(stop.next())).await;
}

/// Answers the requests of one connection, until it ends or the server is to stop.
async fn connection(
    stream: TokioIo<tokio::net::TcpStream>,
    shared: Arc<Shared>,
    mut stopped: watch::Receiver<bool>,
) {
    let reading = shared.limits.reading;
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(respond(request, &shared).await) }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(reading)
            .serve_connection(stream, service)
    );
    if !either(connection.as_mut(), pin!(stopped.wait_for(|stop| *stop))).await {
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}

/// The response to one request: read whole, handed to a worker, its answer written.
async fn respond(request: hyper::Request<Incoming>, shared: &Shared) -> Response<Full<Bytes>> {
    let protocol = shared.protocol.as_ref();
    let (head, body) = request.into_parts();
    let body = match read(body, shared.limits).await {
        Ok(body) => body,
        Err(refusal) => {
            let mut response = written(&protocol.refuse(&refusal));
            // what is still to come of the body is not read
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            return response;
        }
    };
    let accept = head.headers.get(ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let (answer, done) = oneshot::channel();
    let (method, path) = (head.method.as_str().to_owned(), head.uri.path().to_owned());
    let job = Job { method, path, accept: accept.to_owned(), body, answer };
    if shared.jobs.try_send(job).is_err() {
        return written(&protocol.refuse(&Refusal::Busy));
    }
    match done.await {
        Ok(answer) => written(&answer),
        Err(_) => written(&protocol.refuse(&Refusal::Fault)),
    }
}

/// The body, within the limits.
async fn read(body: Incoming, limits: Limits) -> Result<Bytes, Refusal> {
    let most = limits.body;
    if body.size_hint().lower() > most as u64 {
        return Err(Refusal::TooLarge(most));
    }
    let Ok(read) = timeout(limits.reading, Limited::new(body, most).collect()).await else {
        let why = format!("not within {} s", limits.reading.as_secs_f64());
        return Err(Refusal::Incomplete(why));
    };
    match read {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(e) if e.is::<http_body_util::LengthLimitError>() => Err(Refusal::TooLarge(most)),
        Err(e) => Err(Refusal::Incomplete(e.to_string())),
    }
}

fn written(answer: &Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(answer.body.to_string())));
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(method) = answer.allow {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(method));
    }
    response
}

/// A worker: takes requests from the queue until the server is gone.
fn work(queue: &Mutex<mpsc::Receiver<Job>>, protocol: &dyn Protocol) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
        let Some(Job { method, path, accept, body, answer }) = next else { return };
        if answer.is_closed() {
            continue;
        }
        let request = Request { method: &method, path: &path, accept: &accept, body: &body };
        let done = catch_unwind(AssertUnwindSafe(|| protocol.answer(&request)));
        let _ = answer.send(done.unwrap_or_else(|_| protocol.refuse(&Refusal::Fault)));
    }
}
