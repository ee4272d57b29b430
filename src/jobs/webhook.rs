//! Alerts on their way to a receiver on this machine: one at a time, in order, tried again for some minutes.
//!
//! A POST over a plain socket: the receiver is on this machine (a relay that ends TLS, if alerts are to go further), so a
//! client for the whole of HTTP would be more code than it saves. Whatever fails is tried again with growing pauses; then
//! the alert is given up here, and stays in the log and the ledger.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::str::FromStr;
use std::time::Duration;

use super::Bell;
use crate::types::VERSION;
use crate::vault::Vault;
use crate::vault::guard::alert::Alert;

/// How often an alert is tried.
pub const ATTEMPTS_MAX: u32 = 10;
/// The pause after the first attempt; each next one is twice as long.
pub const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause between two attempts.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// How long a connection may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a read or a write may take.
const STALL_TIMEOUT: Duration = Duration::from_secs(15);
/// How long the rest of a reply is waited for at a time, and how often.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);
const DRAIN_READS_MAX: u32 = 8;
/// Bytes of a reply that are read: its first line is enough.
const STATUS_BYTES: usize = 12;

/// Where alerts go: an address of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    address: SocketAddr,
    authority: String,
    path: String,
}

/// The text is not the URL of a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an alert goes to http:// and an address of this machine, such as http://127.0.0.1:9000/alerts")]
pub struct InvalidReceiver;

impl FromStr for Receiver {
    type Err = InvalidReceiver;

    fn from_str(text: &str) -> Result<Self, InvalidReceiver> {
        let rest = text.strip_prefix("http://").ok_or(InvalidReceiver)?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let path = if path.is_empty() { "/" } else { path };
        if !path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
            return Err(InvalidReceiver);
        }
        let local = |port: &str| Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port.parse().ok()?));
        let address = match authority.strip_prefix("localhost:") {
            Some(port) => local(port),
            None => authority.parse().ok(),
        };
        let address = address.filter(|address: &SocketAddr| address.ip().is_loopback()).ok_or(InvalidReceiver)?;
        Ok(Self { address, authority: authority.to_owned(), path: path.to_owned() })
    }
}

/// Sends what comes, until the vault has no more alerts to give.
pub(super) fn send_all(vault: &Vault, receiver: &Receiver, first_pause: Duration, bell: &Bell) {
    while let Some(alert) = vault.next_alert() {
        let sent = send(vault, receiver, &alert, first_pause, bell);
        vault.alert_ended(sent);
        if !sent {
            tracing::error!(alert = alert.id, "the receiver took no alert; it is in the log and the ledger");
        }
    }
}

fn send(vault: &Vault, receiver: &Receiver, alert: &Alert, first_pause: Duration, bell: &Bell) -> bool {
    let mut pause = first_pause;
    for attempt in 1..=ATTEMPTS_MAX {
        match post(vault, receiver, alert) {
            Ok(status) if (200..300).contains(&status) => return true,
            Ok(status) => tracing::warn!(attempt, status, alert = alert.id, "the receiver refused an alert"),
            Err(error) => tracing::warn!(attempt, %error, alert = alert.id, "an alert could not be sent"),
        }
        if attempt < ATTEMPTS_MAX && !bell.sleep(pause) {
            return false;
        }
        pause = pause.saturating_mul(2).min(PAUSE_MAX);
    }
    false
}

/// One attempt. The status of the reply.
fn post(vault: &Vault, receiver: &Receiver, alert: &Alert) -> io::Result<u16> {
    let unsigned = || io::Error::other("there is no key to sign alerts with");
    let (timestamp, signature) = vault.sign_alert(alert).ok_or_else(unsigned)?;
    let Receiver { address, authority, path } = receiver;
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nhost: {authority}\r\nuser-agent: membervault/{VERSION}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\nwebhook-id: {}\r\n\
         webhook-timestamp: {timestamp}\r\nwebhook-signature: {signature}\r\n\r\n",
        alert.body.len(),
        alert.id,
    )
    .into_bytes();
    request.extend_from_slice(&alert.body);
    let mut stream = TcpStream::connect_timeout(address, CONNECT_TIMEOUT)?;
    stream.set_read_timeout(Some(STALL_TIMEOUT))?;
    stream.set_write_timeout(Some(STALL_TIMEOUT))?;
    stream.write_all(&request)?;
    let mut head = [0; STATUS_BYTES];
    stream.read_exact(&mut head)?;
    drain(&mut stream);
    status(&head).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the reply is not HTTP/1"))
}

/// Reads what else there is of the reply, within bounds: a connection that is closed over unread bytes is reset, and the
/// receiver would take that for a failure.
fn drain(stream: &mut TcpStream) {
    let mut rest = [0; 512];
    let ready = stream.set_read_timeout(Some(DRAIN_TIMEOUT)).is_ok();
    let mut reads = 0..DRAIN_READS_MAX;
    while ready && reads.next().is_some() && stream.read(&mut rest).is_ok_and(|read| read > 0) {}
}

/// The status of a reply that begins so: `HTTP/1.x NNN`.
fn status(head: &[u8; STATUS_BYTES]) -> Option<u16> {
    let (version, status) = std::str::from_utf8(head).ok()?.split_once(' ')?;
    version.strip_prefix("HTTP/1.")?;
    status.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_is_on_this_machine() {
        for (text, host, path) in [
            ("http://127.0.0.1:9000", "127.0.0.1:9000", "/"),
            ("http://localhost:80/a/b?c=d", "localhost:80", "/a/b?c=d"),
            ("http://[::1]:9000/alerts", "[::1]:9000", "/alerts"),
        ] {
            let receiver: Receiver = text.parse().unwrap();
            assert_eq!((receiver.authority.as_str(), receiver.path.as_str()), (host, path));
        }
        for text in [
            "",
            "127.0.0.1:9000",
            "https://127.0.0.1:9000",
            "http://127.0.0.1",
            "http://192.0.2.1:80/",
            "http://example.org:80/",
            "http://localhost:x/",
            "http://user@127.0.0.1:80/",
            "http://127.0.0.1:80/a b",
            "http://127.0.0.1:80/a\r\nb: c",
        ] {
            assert_eq!(text.parse::<Receiver>(), Err(InvalidReceiver), "{text}");
        }
    }

    #[test]
    fn a_status_is_read_and_nothing_else_is_taken_for_one() {
        assert_eq!(status(b"HTTP/1.1 204"), Some(204));
        assert_eq!(status(b"HTTP/2.0 204"), None);
        assert_eq!(status(b"SSH-2.0-Open"), None);
    }
}
