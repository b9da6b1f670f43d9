//! A server as a client on a socket sees it, well behaved or not.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use cotangent_ad::{Num, program::Traced};
use cotangent_problem::{CheckedMap, Closure, Quantity, SampleKey, Simulation};
use cotangent_serve::{Limits, Model, Protocol, Tesseract, UmBridge, serve};
use serde_json::{Value, json};

/// `p = a b0 b1`, `q = (a^2, ln b1)`; one more output without a derivative.
fn simulation() -> Arc<dyn Simulation> {
    let b = Quantity::input("b.pair", "m", &[2], vec![2.0, 3.0]).within(-10.0, 10.0);
    let inputs = vec![Quantity::scalar("a", "s", 1.5), b];
    let outputs = vec![
        Quantity::output("p", "", &[]),
        Quantity::output("q", "", &[2]),
        Quantity::output("count", "", &[]).fixed("it is a whole number"),
    ];
    let f = |x: &[Traced]| vec![x[0] * x[1] * x[2], x[0] * x[0], x[2].ln(), x[0] * 0.0 + 4.0];
    Arc::new(Closure::new(inputs, outputs, f))
}

fn model(name: &str, outputs: &[usize]) -> Model {
    let map = CheckedMap::of_simulation(&simulation(), &[0, 1], outputs).unwrap();
    Model::new(name, map, SampleKey(0))
}

/// Starts a server that lives as long as the test program.
fn start(protocol: Arc<dyn Protocol>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let limits = Limits { body: 1 << 20, reading: Duration::from_millis(700), ..Limits::default() };
    std::thread::spawn(move || serve(listener, protocol, limits, || Ok(())).unwrap());
    address
}

fn um_bridge() -> SocketAddr {
    static ADDRESS: OnceLock<SocketAddr> = OnceLock::new();
    *ADDRESS.get_or_init(|| {
        start(Arc::new(UmBridge::new(vec![model("smooth", &[0, 1]), model("all", &[0, 1, 2])])))
    })
}

fn tesseract() -> SocketAddr {
    static ADDRESS: OnceLock<SocketAddr> = OnceLock::new();
    *ADDRESS.get_or_init(|| start(Arc::new(Tesseract::new(model("smooth", &[0, 1]), "a test"))))
}

/// Everything that the server says to these bytes until it closes.
fn raw(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // the server may close before it has read all
    let _ = stream.write_all(bytes);
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said);
    String::from_utf8(said).unwrap()
}

fn request(address: SocketAddr, method: &str, path: &str, body: &str) -> (u16, Value) {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    parsed(&raw(address, (head + body).as_bytes()))
}

fn parsed(said: &str) -> (u16, Value) {
    let status = said.split(' ').nth(1).unwrap_or_else(|| panic!("an answer: {said:?}"));
    let body = said.split_once("\r\n\r\n").unwrap().1;
    (status.parse().unwrap(), serde_json::from_str(body).unwrap_or(Value::Null))
}

fn post(address: SocketAddr, path: &str, body: &Value) -> (u16, Value) {
    request(address, "POST", path, &body.to_string())
}

/// Equal but for the last digits, which are the logarithm's.
fn assert_near(found: &Value, wanted: &[f64]) {
    let found: Vec<f64> = found.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
    assert_eq!(found.len(), wanted.len());
    let near = |(a, b): (&f64, &f64)| (a - b).abs() <= 4.0 * f64::EPSILON * b.abs();
    assert!(found.iter().zip(wanted).all(near), "{found:?} {wanted:?}");
}

const POINT: [&[f64]; 2] = [&[1.5], &[2.0, 3.0]];

#[test]
fn um_bridge_gives_values_and_three_kinds_of_derivatives() {
    let server = um_bridge();
    let info = json!({ "protocolVersion": 1.0, "models": ["smooth", "all"] });
    assert_eq!(request(server, "GET", "/Info", ""), (200, info));
    let ask = |path: &str, name: &str, more: Value| {
        let mut body = json!({ "name": name, "input": POINT, "config": {} });
        body.as_object_mut().unwrap().append(more.clone().as_object_mut().unwrap());
        post(server, path, &body)
    };
    let support = |name| ask("/ModelInfo", name, json!({})).1["support"]["ApplyHessian"].clone();
    assert_eq!((support("smooth"), support("all")), (json!(true), json!(false)));
    assert_eq!(ask("/InputSizes", "all", json!({})).1, json!({ "inputSizes": [1, 2] }));
    assert_eq!(ask("/OutputSizes", "all", json!({})).1, json!({ "outputSizes": [1, 2, 1] }));
    let (status, values) = ask("/Evaluate", "all", json!({}));
    assert_eq!(
        (status, &values["output"][0], &values["output"][2]),
        (200, &json!([9.0]), &json!([4.0]))
    );
    assert_near(&values["output"][1], &[2.25, 3.0_f64.ln()]);
    let gradient = json!({ "outWrt": 0, "inWrt": 1, "sens": [10.0] });
    assert_eq!(ask("/Gradient", "smooth", gradient), (200, json!({ "output": [45.0, 30.0] })));
    let tangent = json!({ "outWrt": 1, "inWrt": 0, "vec": [1.0] });
    assert_eq!(ask("/ApplyJacobian", "smooth", tangent), (200, json!({ "output": [3.0, 0.0] })));
    // d/db of (b1 + 2 b0) da-part: by a and b of p along b = (1, 2) is b1 + 2 b0
    let second = json!({ "outWrt": 0, "inWrt1": 0, "inWrt2": 1, "sens": [1.0], "vec": [1.0, 2.0] });
    assert_eq!(ask("/ApplyHessian", "smooth", second), (200, json!({ "output": [7.0] })));
}

#[test]
fn um_bridge_names_what_is_wrong() {
    let server = um_bridge();
    let refused = |path: &str, body: &str, status: u16, kind: &str, words: &str| {
        let (found, said) = request(server, "POST", path, body);
        let error = &said["error"];
        let message = error["message"].as_str().unwrap_or_default();
        assert_eq!((found, error["type"].as_str()), (status, Some(kind)), "{body}: {said}");
        assert!(message.contains(words), "{body}: {message}");
        assert_eq!(said.as_object().unwrap().len(), 1);
    };
    let input = "InvalidInput";
    refused("/Evaluate", "{\"name\": \"smooth\"", 400, input, "no JSON");
    refused("/Evaluate", "[1]", 400, input, "object");
    refused("/Evaluate", &"[".repeat(100_000), 400, input, "no JSON");
    refused("/Evaluate", "\u{0}\u{1}", 400, input, "no JSON");
    refused("/Evaluate", "{}", 400, "ModelNotFound", "smooth, all");
    refused("/Evaluate", r#"{"name": "rough"}"#, 400, "ModelNotFound", "rough");
    refused("/Evaluate", r#"{"name": "all"}"#, 400, input, "list of vectors");
    let at = |input: &str| format!(r#"{{"name": "smooth", "input": {input}}}"#);
    refused("/Evaluate", &at("[[1.0]]"), 400, input, "1 vectors, 2");
    refused("/Evaluate", &at("[[1.0], [1.0]]"), 400, input, "b.pair");
    refused("/Evaluate", &at("[[1.0], [1.0, null]]"), 400, input, "entry 1 is no number");
    refused("/Evaluate", &at("[[1.0], [1.0, 1e999]]"), 400, input, "");
    refused("/Evaluate", &at("[[1.0], [1.0, 11.0]]"), 400, input, "outside [-10, 10]");
    refused("/Evaluate", &at("[[1.0], [1.0, -1.0]]"), 500, "InvalidOutput", "");
    refused("/Evaluate", r#"{"name": "all", "config": {"seed": 3}}"#, 400, input, "config");
    let gradient = |more: &str| format!(r#"{{"name": "smooth", "input": [[1], [1, 1]], {more}}}"#);
    refused(
        "/Gradient",
        &gradient(r#""outWrt": 2, "inWrt": 0, "sens": [1]"#),
        400,
        input,
        "0 to 1",
    );
    refused(
        "/Gradient",
        &gradient(r#""outWrt": 0, "inWrt": -1, "sens": [1]"#),
        400,
        input,
        "inWrt",
    );
    refused("/Gradient", &gradient(r#""outWrt": 1, "inWrt": 0, "sens": [1]"#), 400, input, "sens");
    refused("/ApplyJacobian", &gradient(r#""outWrt": 1, "inWrt": 0"#), 400, input, "vec");
    let unsupported = "UnsupportedFeature";
    refused("/Gradient", r#"{"name": "all"}"#, 400, unsupported, "`count` cannot be");
    refused("/ApplyHessian", r#"{"name": "all"}"#, 400, unsupported, "count");
    refused("/Nothing", "", 404, input, "/Evaluate");
    for (server, path) in [(server, "/Evaluate"), (tesseract(), "/apply")] {
        let said = raw(
            server,
            format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes(),
        );
        assert!(said.starts_with("HTTP/1.1 405") && said.contains("allow: POST\r\n"), "{said}");
    }
}

#[test]
fn what_is_no_request_costs_its_sender_only() {
    let server = um_bridge();
    let large = "POST /Evaluate HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n{";
    let (status, said) = parsed(&raw(server, large.as_bytes()));
    assert_eq!((status, said["error"]["type"].as_str()), (413, Some("InvalidInput")), "{said}");
    // chunks without end, of which no length is declared
    let chunk = format!("ffff\r\n{}\r\n", " ".repeat(0xffff)).repeat(17);
    let chunked =
        format!("POST /Evaluate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}");
    assert_eq!(parsed(&raw(server, chunked.as_bytes())).0, 413);
    // half a body, and half a head
    let half = "POST /Evaluate HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"name\"";
    assert_eq!(parsed(&raw(server, half.as_bytes())).0, 408);
    let head = raw(server, b"POST /Evaluate HTTP/1.1\r\nHost: x\r\nConte");
    assert!(head.is_empty() || head.starts_with("HTTP/1.1 4"), "{head}");
    assert!(raw(server, b"\x16\x03\x01\x02\x00\x01\x00").contains(" 400 "), "no TLS");
    // the server is well
    assert_eq!(request(server, "GET", "/Info", "").0, 200);
}

#[test]
fn a_connection_serves_several_requests_and_many_clients_are_served_at_once() {
    let server = um_bridge();
    let body = json!({ "name": "smooth", "input": POINT }).to_string();
    let one = format!("POST /Evaluate HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n", body.len());
    let twice = format!("{one}\r\n{body}{one}Connection: close\r\n\r\n{body}");
    assert_eq!(raw(server, twice.as_bytes()).matches("HTTP/1.1 200").count(), 2);
    let clients: Vec<_> = (0..60)
        .map(|_| {
            let body = json!({ "name": "smooth", "input": POINT });
            std::thread::spawn(move || post(server, "/Evaluate", &body).0)
        })
        .collect();
    assert!(clients.into_iter().all(|c| c.join().unwrap() == 200));
}

#[test]
fn tesseract_differentiates_between_names() {
    let server = tesseract();
    let (status, document) = request(server, "GET", "/openapi.json", "");
    assert_eq!(status, 200);
    assert!(document["paths"].get("/vector_jacobian_product").is_some());
    let arrays = &document["components"]["schemas"]["ApplyInputSchema"]["differentiable_arrays"];
    assert_eq!(arrays["b.pair"], json!({ "shape": [2], "dtype": "float64" }));
    assert_eq!(request(server, "GET", "/health", ""), (200, json!({ "status": "ok" })));
    // what is not given has its present value; a name with dots may be an object within an object
    let buffer = |said: &Value, name: &str| said[name]["data"]["buffer"].clone();
    let (_, said) = post(server, "/apply", &json!({ "inputs": { "b": { "pair": [2.0, 4.0] } } }));
    assert_eq!(
        (buffer(&said, "p"), buffer(&said, "q")),
        (json!(12.0), json!([2.25, 4.0_f64.ln()]))
    );
    let inputs = json!({ "a": 1.5, "b.pair": [2.0, 3.0] });
    let (_, said) = post(
        server,
        "/vector_jacobian_product",
        &json!({
            "inputs": inputs, "vjp_inputs": ["b.pair"], "vjp_outputs": ["p"], "cotangent_vector": { "p": 10.0 }
        }),
    );
    assert_eq!(buffer(&said, "b.pair"), json!([45.0, 30.0]), "{said}");
    let (_, said) = post(
        server,
        "/jacobian_vector_product",
        &json!({
            "inputs": inputs, "jvp_inputs": ["a"], "jvp_outputs": ["q"], "tangent_vector": { "a": 1.0 }
        }),
    );
    assert_eq!(buffer(&said, "q"), json!([3.0, 0.0]));
    let (_, said) = post(
        server,
        "/jacobian",
        &json!({
            "inputs": inputs, "jac_inputs": ["b.pair", "a"], "jac_outputs": ["q", "p"]
        }),
    );
    assert_eq!(buffer(&said["q"], "b.pair"), json!([[0.0, 0.0], [0.0, 1.0 / 3.0]]));
    assert_eq!(buffer(&said["p"], "a"), json!(6.0));
    let shapes = json!({ "inputs": { "b.pair": { "shape": [2], "dtype": "float64" } } });
    let (_, said) = post(server, "/abstract_eval", &shapes);
    assert_eq!(said["q"], json!({ "shape": [2], "dtype": "float64" }));
}

#[test]
fn tesseract_names_what_is_wrong() {
    let server = tesseract();
    let refused = |path: &str, body: &Value, place: &[&str], words: &str| {
        let (status, said) = post(server, path, body);
        let detail = &said["detail"][0];
        assert_eq!(status, 422, "{body}: {said}");
        assert_eq!(detail["loc"], json!(place), "{said}");
        assert!(detail["msg"].as_str().unwrap().contains(words), "{said}");
    };
    let base64 = |buffer: &str, dtype: &str| {
        let data = json!({ "buffer": buffer, "encoding": "base64" });
        json!({ "inputs": { "a": { "shape": [], "dtype": dtype, "data": data } } })
    };
    let at_a = ["body", "inputs", "a"];
    refused("/apply", &base64("AAA*", "float64"), &at_a, "base64");
    refused(
        "/apply",
        &base64("AAAAAAAA8H8=", "float64"),
        &["body", "inputs"],
        "`a`: entry 0 is inf",
    );
    refused("/apply", &base64("AAAAAA==", "float16"), &at_a, "float16");
    refused("/apply", &json!({}), &["body", "inputs"], "object");
    refused(
        "/apply",
        &json!({ "inputs": { "c": 1.0 } }),
        &["body", "inputs"],
        "there are: a, b.pair",
    );
    refused("/apply", &json!({ "inputs": { "a": [1.0] } }), &at_a, "shape");
    let twice = json!({ "inputs": { "b.pair": [1.0, 1.0], "b": { "pair": [2.0, 2.0] } } });
    refused("/apply", &twice, &["body", "inputs", "b.pair"], "twice");
    let vjp = |inputs: Value, given: Value| json!({ "inputs": {}, "vjp_inputs": inputs, "vjp_outputs": ["p"], "cotangent_vector": given });
    let path = "/vector_jacobian_product";
    refused(path, &vjp(json!(["c"]), json!({ "p": 1.0 })), &["body", "vjp_inputs"], "no input `c`");
    refused(path, &vjp(json!(["a", "a"]), json!({})), &["body", "vjp_inputs"], "twice");
    refused(path, &vjp(json!(["a"]), json!({})), &["body", "cotangent_vector"], "missing");
    refused(
        path,
        &vjp(json!(["a"]), json!({ "q": [1.0, 1.0] })),
        &["body", "cotangent_vector"],
        "`q`",
    );
    let shape = json!({ "inputs": { "a": { "shape": [3], "dtype": "float64" } } });
    refused("/abstract_eval", &shape, &at_a, "shape");
    let complex = json!({ "inputs": { "a": { "shape": [], "dtype": "complex64" } } });
    refused("/abstract_eval", &complex, &at_a, "complex64");
    let stray = json!({ "inputs": {}, "jac_inputs": ["a"] });
    refused("/apply", &stray, &["body", "jac_inputs"], "no such field");
    let (status, said) = post(server, "/apply", &json!({ "inputs": { "b.pair": [1.0, -1.0] } }));
    assert_eq!(status, 500, "the logarithm has no value: {said}");
}
