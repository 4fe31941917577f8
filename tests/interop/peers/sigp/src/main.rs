// SPDX-License-Identifier: BSD-3-Clause

//! Test peer: N nodes of the Rust crate discv5 in one process, driven by JSON lines.
//! The options, the commands and their answers are the same for every peer: ../README.md.

mod commands;
mod options;

use std::net::IpAddr;
use std::process::exit;
use std::sync::Arc;
use std::time::Duration;

use discv5::enr::CombinedKey;
use discv5::{ConfigBuilder, Discv5, Enr, Event, ListenConfig, PermitBanList};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::signal::unix::{signal, SignalKind};

use commands::{print, Peer};
use options::Options;

pub const KIND: &str = "sigp";

fn key_of(o: &Options, i: u16) -> CombinedKey {
    let mut raw = Sha256::digest(format!("xord-interop/{KIND}/{}/{i}", o.seed));
    CombinedKey::secp256k1_from_bytes(&mut raw).expect("a hash is a key")
}

fn record_of(o: &Options, i: u16, key: &CombinedKey) -> Enr {
    let mut record = Enr::builder();
    if let Some(ip) = o.ip {
        record.ip4(ip).udp4(o.port + i);
    }
    if let Some(ip6) = o.ip6 {
        record.ip6(ip6).udp6(o.port6 + i);
    }
    record.build(key).expect("a small record")
}

fn listen_config(o: &Options, i: u16) -> ListenConfig {
    let (port, ipv6_port) = (o.port + i, o.port6 + i);
    match (o.ip, o.ip6) {
        (Some(ipv4), Some(ipv6)) => ListenConfig::DualStack {
            ipv4,
            ipv4_port: port,
            ipv6,
            ipv6_port,
        },
        (None, Some(ip)) => ListenConfig::Ipv6 { ip, port: ipv6_port },
        (ip, None) => ListenConfig::Ipv4 {
            ip: ip.expect("a node has an address"),
            port,
        },
    }
}

/// The library bans the address of a peer that answers with a wrong record, for all nodes of the process; here every
/// peer has the same address, so addresses stay permitted and a ban strikes the node id alone.
fn permitted(o: &Options) -> PermitBanList {
    let mut list = PermitBanList::default();
    list.permit_ips.extend(o.ip.map(IpAddr::V4));
    list.permit_ips.extend(o.ip6.map(IpAddr::V6));
    list
}

async fn start_node(o: &Options, i: u16) -> Result<Discv5, String> {
    let key = key_of(o, i);
    let record = record_of(o, i, &key);
    let mut config = ConfigBuilder::new(listen_config(o, i));
    // The record stays as announced, whatever address the other nodes' PONGs name; without the second line the
    // library would withdraw the address after five minutes without an incoming session.
    config.disable_enr_update();
    config.auto_nat_listen_duration(None);
    config.permit_ban_list(permitted(o));
    if let Some(timeout) = o.request_timeout {
        config.request_timeout(timeout);
    }
    if let Some(interval) = o.ping_interval {
        config.ping_interval(interval);
    }
    let mut node = Discv5::new(record, key, config.build())?;
    node.start()
        .await
        .map_err(|e| format!("node {i} cannot start: {e:?}"))?;
    let mut events = node.event_stream().await.map_err(|e| format!("{e:?}"))?;
    tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            // A request that is dropped unanswered gets the library's empty answer.
            if let Event::TalkRequest(request) = event {
                if request.protocol() == b"echo" {
                    let reversed = request.body().iter().rev().copied().collect();
                    let _ = request.respond(reversed);
                }
            }
        }
    });
    Ok(node)
}

async fn start(o: &Options) -> Result<Vec<Discv5>, String> {
    let mut nodes = Vec::new();
    for i in 0..o.nodes {
        nodes.push(start_node(o, i).await?);
    }
    let mut boot: Vec<Enr> = nodes.iter().take(o.boot).map(Discv5::local_enr).collect();
    boot.extend(o.bootnodes.iter().cloned());
    for node in &nodes {
        for record in &boot {
            // A node refuses its own record, and one of the other address family; both are as they should be.
            let _ = node.add_enr(record.clone());
        }
    }
    Ok(nodes)
}

async fn serve(peer: Arc<Peer>) {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if line.trim().is_empty() {
            continue;
        }
        let Ok(command) = serde_json::from_str::<serde_json::Value>(&line) else {
            print(&json!({"ok": false, "error": "not JSON"}));
            continue;
        };
        let stop = command["cmd"] == "stop";
        let done = commands::run(peer.clone(), command.clone());
        // A command with an id runs beside the others, one without holds up the next line.
        if command["id"].is_null() || stop {
            done.await;
        } else {
            tokio::spawn(done);
        }
        if stop {
            return;
        }
    }
}

#[tokio::main]
async fn main() {
    let o = options::read(std::env::args().skip(1)).unwrap_or_else(|e| fail(&e));
    let nodes = start(&o).await.unwrap_or_else(|e| fail(&e));
    let peer = Arc::new(Peer {
        nodes,
        joining: Default::default(),
    });
    let records: Vec<Enr> = peer.nodes.iter().map(Discv5::local_enr).collect();
    print(&json!({
        "ready": true,
        "kind": KIND,
        "enrs": records.iter().map(Enr::to_base64).collect::<Vec<_>>(),
        "ids": records.iter().map(|r| hex::encode(r.node_id().raw())).collect::<Vec<_>>(),
    }));
    if o.join {
        tokio::spawn(commands::join(peer.clone()));
    }
    let mut terminate = signal(SignalKind::terminate()).expect("a signal handler");
    let mut interrupt = signal(SignalKind::interrupt()).expect("a signal handler");
    tokio::select! {
        _ = serve(peer) => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    // The answer to "stop" is out; the nodes' tasks end with the process.
    tokio::time::sleep(Duration::from_millis(20)).await;
    exit(0);
}

fn fail(text: &str) -> ! {
    eprintln!("peer {KIND}: {text}");
    exit(1);
}
