// SPDX-License-Identifier: BSD-3-Clause

//! The command line that all peers share: ../README.md.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::time::Duration;

use discv5::Enr;

pub struct Options {
    pub nodes: u16,
    pub ip: Option<Ipv4Addr>,
    pub ip6: Option<Ipv6Addr>,
    pub port: u16,
    pub port6: u16,
    pub seed: String,
    pub boot: usize,
    pub bootnodes: Vec<Enr>,
    pub request_timeout: Option<Duration>,
    pub ping_interval: Option<Duration>,
    pub join: bool,
}

fn parsed<T: FromStr>(name: &str, value: Option<String>) -> Result<T, String> {
    let text = value.ok_or_else(|| format!("{name} wants a value"))?;
    text.parse().map_err(|_| format!("{name} cannot be {text}"))
}

pub fn read(mut words: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut o = Options {
        nodes: 1,
        ip: None,
        ip6: None,
        port: 0,
        port6: 0,
        seed: String::new(),
        boot: 3,
        bootnodes: Vec::new(),
        request_timeout: None,
        ping_interval: None,
        join: true,
    };
    while let Some(name) = words.next() {
        match name.as_str() {
            "--nodes" => o.nodes = parsed(&name, words.next())?,
            "--ip" => o.ip = Some(parsed(&name, words.next())?),
            "--ip6" => o.ip6 = Some(parsed(&name, words.next())?),
            "--base-port" => o.port = parsed(&name, words.next())?,
            "--base-port6" => o.port6 = parsed(&name, words.next())?,
            "--seed" => o.seed = parsed(&name, words.next())?,
            "--boot" => o.boot = parsed(&name, words.next())?,
            "--bootnode" => o.bootnodes.push(parsed(&name, words.next())?),
            "--request-timeout" => o.request_timeout = Some(Duration::from_millis(parsed(&name, words.next())?)),
            "--ping-interval" => o.ping_interval = Some(Duration::from_millis(parsed(&name, words.next())?)),
            "--no-join" => o.join = false,
            _ => return Err(format!("unknown option {name}")),
        }
    }
    finish(o)
}

fn finish(mut o: Options) -> Result<Options, String> {
    if o.ip.is_none() && o.ip6.is_none() {
        o.ip = Some(Ipv4Addr::LOCALHOST);
    }
    if o.port6 == 0 {
        o.port6 = o.port;
    }
    let last = o.nodes.checked_sub(1).ok_or("--nodes cannot be 0")?;
    let fits = |port: u16| port > 1024 && port.checked_add(last).is_some();
    if !fits(o.port) || !fits(o.port6) {
        return Err("--base-port is missing or leaves no room for all nodes".into());
    }
    if o.seed.is_empty() {
        o.seed = o.port.to_string();
    }
    Ok(o)
}
