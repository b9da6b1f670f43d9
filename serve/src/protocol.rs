//! What is common to the protocols: a request, its answer, and what the server refuses on its own.

use serde_json::Value;

/// A request, read whole.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `GET`, `POST`, ...
    pub method: &'a str,
    /// The path, without the query.
    pub path: &'a str,
    /// The header `Accept`; empty where there is none.
    pub accept: &'a str,
    /// The body.
    pub body: &'a [u8],
}

/// What is sent back.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Status of HTTP.
    pub status: u16,
    /// The body, JSON.
    pub body: Value,
    /// The method by which the path is asked, where it was asked by another: the header `Allow` of a status 405.
    pub allow: Option<&'static str>,
}

impl Answer {
    /// An answer of status 200.
    pub fn ok(body: Value) -> Self {
        Self { status: 200, body, allow: None }
    }
}

/// Why the server does not let a request through to its protocol, or had no answer from it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The body is larger than this many bytes.
    TooLarge(usize),
    /// The body did not arrive whole.
    Incomplete(String),
    /// More requests wait than may.
    Busy,
    /// The program has a fault.
    Fault,
}

impl Refusal {
    /// Status of HTTP.
    pub fn status(&self) -> u16 {
        match self {
            Self::TooLarge(_) => 413,
            Self::Incomplete(_) => 408,
            Self::Busy => 503,
            Self::Fault => 500,
        }
    }

    /// What is said about it.
    pub fn message(&self) -> String {
        match self {
            Self::TooLarge(limit) => {
                format!("the body is larger than {limit} bytes, the most that is read")
            }
            Self::Incomplete(why) => format!("the body did not arrive whole: {why}"),
            Self::Busy => "more requests are waiting than may; try again later".into(),
            Self::Fault => "this is a fault of the server; its log has the message".into(),
        }
    }
}

/// Answers requests. Whatever a request holds, there is an answer: a protocol does not panic.
pub trait Protocol: Send + Sync {
    /// The answer to a request.
    fn answer(&self, request: &Request<'_>) -> Answer;

    /// The answer to a request that the server refuses, in the protocol's own form of errors.
    fn refuse(&self, refusal: &Refusal) -> Answer;
}
