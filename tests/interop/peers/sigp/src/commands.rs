// SPDX-License-Identifier: BSD-3-Clause

//! The commands that all peers share: ../README.md.

use std::collections::HashSet;
use std::io::Write;
use std::str::FromStr;
use std::sync::Arc;

use discv5::enr::NodeId;
use discv5::handler::NodeContact;
use discv5::{Discv5, Enr};
use serde_json::{json, Value};

pub struct Peer {
    pub nodes: Vec<Discv5>,
    pub joining: tokio::sync::Mutex<()>,
}

type Answer = Result<Value, String>;

pub fn print(answer: &Value) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{answer}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

fn id_text(id: &NodeId) -> String {
    hex::encode(id.raw())
}

fn texts(records: &[Enr]) -> Vec<String> {
    records.iter().map(Enr::to_base64).collect()
}

fn record(command: &Value) -> Result<Enr, String> {
    Enr::from_str(command["enr"].as_str().ok_or("enr is missing")?).map_err(|e| format!("enr: {e}"))
}

fn bytes(command: &Value, name: &str) -> Result<Vec<u8>, String> {
    hex::decode(command[name].as_str().unwrap_or("")).map_err(|_| format!("{name} is not hex"))
}

fn target(command: &Value) -> Result<NodeId, String> {
    if command["target"].is_null() {
        return Ok(NodeId::new(&rand::random()));
    }
    NodeId::parse(&bytes(command, "target")?).map_err(|_| "target is not 32 bytes".into())
}

fn distances(command: &Value) -> Result<Vec<u64>, String> {
    let list = command["distances"].as_array().ok_or("distances is missing")?;
    list.iter()
        .map(|d| d.as_u64().ok_or_else(|| "a distance is no number".into()))
        .collect()
}

fn table(node: &Discv5) -> Value {
    let entries: Vec<Value> = node
        .table_entries()
        .iter()
        .map(|(id, record, status)| {
            json!({"id": id_text(id), "enr": record.to_base64(), "connected": status.is_connected()})
        })
        .collect();
    json!({ "entries": entries })
}

fn knows_all(peer: &Peer) -> Value {
    let tables: Vec<Vec<NodeId>> = peer.nodes.iter().map(Discv5::table_entries_id).collect();
    let sizes: Vec<usize> = tables.iter().map(Vec::len).collect();
    let all: HashSet<NodeId> = tables.into_iter().flatten().collect();
    json!({"count": all.len(), "tables": sizes})
}

/// Every node looks up its own surroundings, one after the other: when two nodes of this library dial each other at the
/// same moment, a lookup can hang until the library's limit of a minute.
pub async fn join(peer: Arc<Peer>) {
    let _alone = peer.joining.lock().await;
    for node in &peer.nodes {
        let _ = node.find_node(node.local_enr().node_id()).await;
    }
}

async fn talk(node: &Discv5, command: &Value) -> Answer {
    let contact = NodeContact::try_from_enr(record(command)?, node.ip_mode())
        .map_err(|_| "enr has no endpoint that this node can reach")?;
    let response = node
        .talk_req(contact, bytes(command, "protocol")?, bytes(command, "request")?)
        .await
        .map_err(|e| format!("{e:?}"))?;
    Ok(json!({"response": hex::encode(response)}))
}

async fn ping(node: &Discv5, command: &Value) -> Answer {
    let pong = node.send_ping(record(command)?).await.map_err(|e| format!("{e:?}"))?;
    Ok(json!({"seq": pong.enr_seq, "ip": pong.ip.to_string(), "port": pong.port}))
}

async fn carry_out(peer: Arc<Peer>, command: &Value) -> Answer {
    let index = command["node"].as_u64().unwrap_or(0) as usize;
    let node = peer.nodes.get(index).ok_or(format!("no node {index}"))?;
    match command["cmd"].as_str().unwrap_or("") {
        "self" => {
            let own = node.local_enr();
            Ok(json!({"id": id_text(&own.node_id()), "enr": own.to_base64()}))
        }
        "table" => Ok(table(node)),
        "ping" => ping(node, command).await,
        "findnode" => {
            let call = node.find_node_designated_peer(record(command)?, distances(command)?);
            let found = call.await.map_err(|e| format!("{e:?}"))?;
            Ok(json!({"enrs": texts(&found)}))
        }
        "talk" => talk(node, command).await,
        "lookup" => {
            let found = node.find_node(target(command)?).await;
            Ok(json!({"enrs": texts(&found.map_err(|e| format!("{e:?}"))?)}))
        }
        "add" => {
            node.add_enr(record(command)?)?;
            Ok(json!({}))
        }
        "knowsall" => Ok(knows_all(&peer)),
        "join" => {
            join(peer.clone()).await;
            Ok(json!({}))
        }
        "stop" => Ok(json!({})),
        _ => Err("unknown command".into()),
    }
}

pub async fn run(peer: Arc<Peer>, command: Value) {
    let result = carry_out(peer, &command).await;
    let mut answer = json!({"cmd": command["cmd"], "ok": result.is_ok()});
    if !command["id"].is_null() {
        answer["id"] = command["id"].clone();
    }
    match result {
        Ok(fields) => answer
            .as_object_mut()
            .expect("an object")
            .extend(fields.as_object().cloned().unwrap_or_default()),
        Err(text) => answer["error"] = json!(text),
    }
    print(&answer);
}
