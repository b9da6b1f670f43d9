//! `serve`: the program as a server, from its first line to a signal.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use super::place::{Place, stderr};

/// Two masses of a pendulum, of which one is asked for.
const MODEL: &str = r#"<mujoco><option timestep="0.01"/><worldbody><body name="bob" pos="0 0 0">
<joint name="hinge" type="hinge" axis="0 1 0"/><inertial pos="0 0 -1" mass="1" diaginertia="0.1 0.1 0.1"/>
<site name="end" pos="0 0 -1"/></body></worldbody></mujoco>"#;
const SCENARIO: &str = r#"[scenario]
name = "bob"
kind = "motion"
[model]
file = "bob.xml"
[[motion]]
duration = "0.1 s"
[values]
"start.joint.hinge.position" = 1.0
[[parameter]]
name = "body.bob.mass"
[[term]]
output = "site.end.position"
at = 0.1
target = [-0.8, 0.0, -0.5]
"#;

fn place() -> Place {
    let place = Place::new();
    std::fs::write(place.path("bob.xml"), MODEL).unwrap();
    std::fs::write(place.path("bob.toml"), SCENARIO).unwrap();
    place
}

/// A server that is ended when the test is over, however it ends.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a server at a port that is free; gives its address.
fn serve(place: &Place, words: &[&str]) -> (Server, String) {
    let mut server = Command::new(env!("CARGO_BIN_EXE_cotangent"))
        .args(["serve", "bob.toml", "--port", "0", "--quiet"])
        .args(words)
        .current_dir(place.path(""))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("http://").unwrap_or_else(|| panic!("a URL: {line:?}"));
    (Server(server), address.to_owned())
}

fn ask(address: &str, method: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + body).as_bytes()).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    said.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[test]
fn a_scenario_is_served_as_um_bridge_until_a_signal() {
    let place = place();
    let (mut server, address) = serve(&place, &["--as", "um-bridge"]);
    assert!(address.starts_with("127.0.0.1:"), "loopback unless another is named: {address}");
    let info = ask(&address, "GET", "/Info", "");
    assert_eq!(info, r#"{"models":["simulation","objective"],"protocolVersion":1.0}"#);
    let gradient =
        r#"{"name": "objective", "input": [[1.0]], "outWrt": 0, "inWrt": 0, "sens": [1.0]}"#;
    let said = ask(&address, "POST", "/Gradient", gradient);
    assert!(said.starts_with(r#"{"output":["#), "{said}");
    let refused = gradient.replace("1.0]]", "-1.0]]");
    assert!(ask(&address, "POST", "/Gradient", &refused).contains("body.bob.mass"));

    let taken = address.split(':').nth(1).unwrap();
    let second = place.run(&["serve", "bob.toml", "--as", "um-bridge", "--port", taken]);
    assert_eq!(second.status.code(), Some(2));
    assert!(stderr(&second).contains("cannot listen at") && stderr(&second).contains("--port 0"));

    let pid = server.0.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(server.0.wait().unwrap().code(), Some(0));
}

#[test]
fn inputs_and_outputs_may_be_named() {
    let place = place();
    let names = ["--input", "start.joint.*.velocity", "--output", "joint.hinge.position"];
    let (_server, address) = serve(&place, &[&["--as", "tesseract"], &names[..]].concat());
    let said =
        ask(&address, "POST", "/apply", r#"{"inputs": {"start.joint.hinge.velocity": 0.5}}"#);
    assert!(said.starts_with(r#"{"joint.hinge.position":{"#), "{said}");
    let wrong = place.run(&["serve", "bob.toml", "--as", "tesseract", "--input", "body.bobs.mass"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains("did you mean `body.bob.mass`?"), "{}", stderr(&wrong));
}

#[test]
fn what_picks_from_the_simulation_is_not_ignored_where_the_objective_is_served() {
    let place = place();
    let words =
        ["serve", "bob.toml", "--as", "tesseract", "--map", "objective", "--input", "gravity"];
    let refused = place.run(&words);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        stderr(&refused).contains("--input and --output pick from the simulation"),
        "{}",
        stderr(&refused)
    );
}
