// SPDX-License-Identifier: BSD-3-Clause
//
// Test peer: N nodes of the JavaScript library @chainsafe/discv5 in one process, driven by JSON lines.
// The options, the commands and their answers are the same for every peer: ../README.md.

import { createHash, randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

// The library's crypto package takes its JavaScript half, so that installing needs no compiler.
process.env.NODE_BACKEND = "js";

const { Discv5, EntryStatus } = await import("@chainsafe/discv5");
const { ENR, SignableENR, getV4Crypto, setV4Crypto } = await import("@chainsafe/enr");
const { ENR: ENR5 } = await import("chainsafe-enr-5");
const { multiaddr } = await import("@multiformats/multiaddr");

const KIND = "chainsafe";
const COMMAND_TIMEOUT_MS = 90_000;
const MEMO_CNT_MAX = 50_000;

function die(text) {
  process.stderr.write(`peer ${KIND}: ${text}\n`);
  process.exit(1);
}

// Every node verifies every record in every NODES answer, in JavaScript, and all nodes share this one thread:
// remembering the answers for the same bytes makes a lookup ten times quicker.
function rememberRecordCrypto() {
  const library = getV4Crypto();
  const remembered = (compute) => {
    const seen = new Map();
    return (...bytes) => {
      const key = bytes.map((b) => Buffer.from(b).toString("latin1")).join("|");
      if (!seen.has(key)) {
        if (seen.size >= MEMO_CNT_MAX) seen.clear();
        seen.set(key, compute(...bytes));
      }
      return seen.get(key);
    };
  };
  setV4Crypto({ ...library, verify: remembered(library.verify), nodeId: remembered(library.nodeId) });
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      nodes: { type: "string", default: "1" },
      ip: { type: "string" },
      ip6: { type: "string" },
      "base-port": { type: "string" },
      "base-port6": { type: "string" },
      seed: { type: "string" },
      boot: { type: "string", default: "3" },
      bootnode: { type: "string", multiple: true, default: [] },
      "request-timeout": { type: "string" },
      "ping-interval": { type: "string" },
      "no-join": { type: "boolean", default: false },
    },
  });
  const number = (name, low, high) => {
    if (values[name] === undefined) return undefined;
    const n = Number(values[name]);
    if (!Number.isInteger(n) || n < low || n > high) die(`--${name} wants a number from ${low} to ${high}`);
    return n;
  };
  const o = {
    nodes: number("nodes", 1, 1000),
    ip: values.ip,
    ip6: values.ip6,
    port: number("base-port", 1025, 65535),
    port6: number("base-port6", 1025, 65535),
    boot: number("boot", 0, 1000),
    bootnodes: values.bootnode,
    requestTimeoutMs: number("request-timeout", 1, 60000),
    pingIntervalMs: number("ping-interval", 1, 3600000),
    join: !values["no-join"],
  };
  if (o.port === undefined) die("--base-port is missing");
  if (!o.ip && !o.ip6) o.ip = "127.0.0.1";
  // The library refuses one port number for both families, so a dual-stack node's IPv6 port lies above.
  if (o.port6 === undefined) o.port6 = o.ip ? o.port + o.nodes : o.port;
  o.seed = values.seed ?? String(o.port);
  return o;
}

function ipBytes(text) {
  return multiaddr(`/${text.includes(":") ? "ip6" : "ip4"}/${text}`).tuples()[0][1];
}

function portBytes(port) {
  return Uint8Array.of(port >> 8, port & 255);
}

function makeNode(o, i) {
  const raw = createHash("sha256").update(`xord-interop/${KIND}/${o.seed}/${i}`).digest();
  const kvs = {};
  const bindAddrs = {};
  if (o.ip) {
    kvs.ip = ipBytes(o.ip);
    kvs.udp = portBytes(o.port + i);
    bindAddrs.ip4 = multiaddr(`/ip4/${o.ip}/udp/${o.port + i}`);
  }
  if (o.ip6) {
    kvs.ip6 = ipBytes(o.ip6);
    kvs.udp6 = portBytes(o.port6 + i);
    bindAddrs.ip6 = multiaddr(`/ip6/${o.ip6}/udp/${o.port6 + i}`);
  }
  // enrUpdate false: the record stays as announced, whatever address the other nodes' PONGs name.
  // allowUnverifiedSessions true: answer nodes whose record has no or another endpoint too.
  const config = { enrUpdate: false, allowUnverifiedSessions: true };
  if (o.requestTimeoutMs !== undefined) config.requestTimeout = o.requestTimeoutMs;
  if (o.pingIntervalMs !== undefined) config.pingInterval = o.pingIntervalMs;
  const enr = SignableENR.createV4(raw, kvs);
  const node = Discv5.create({ enr, privateKey: { type: "secp256k1", raw }, bindAddrs, config });
  node.on("talkReqReceived", (from, _enr, message) => {
    const known = Buffer.from(message.protocol).toString() === "echo";
    const answer = known ? Buffer.from(message.request).reverse() : Buffer.alloc(0);
    node.sendTalkResp(from, message.id, answer);
  });
  return node;
}

function within(ms, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer from the library")), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// One node after the other: two nodes of this library that dial each other at the same moment end with different
// keys and lose the requests under way to the library's timeout.
async function joinAll(nodes) {
  for (const node of nodes) {
    await within(COMMAND_TIMEOUT_MS, node.findNode(node.enr.nodeId)).catch(() => {});
  }
}

const texts = (enrs) => enrs.map((enr) => enr.encodeTxt());

function fieldsOf(enr) {
  return {
    id: enr.nodeId,
    seq: Number(enr.seq),
    ip: enr.ip,
    udp: enr.udp,
    ip6: enr.ip6,
    udp6: enr.udp6,
    text: enr.encodeTxt(),
  };
}

function commandsOver(nodes, join) {
  const nodeOf = (c) => {
    const node = nodes[c.node ?? 0];
    if (!node) throw new Error(`no node ${c.node}`);
    return node;
  };
  const hex = (text, what) => {
    if (typeof text !== "string" || !/^([0-9a-fA-F]{2})*$/.test(text)) throw new Error(`${what} is not hex`);
    return Buffer.from(text, "hex");
  };
  return {
    self: async (c) => ({ id: nodeOf(c).enr.nodeId, enr: nodeOf(c).enr.encodeTxt() }),
    table: async (c) => ({
      entries: nodeOf(c)
        .kbuckets.rawValues()
        .map((e) => ({ id: e.value.nodeId, enr: e.value.encodeTxt(), connected: e.status === EntryStatus.Connected })),
    }),
    ping: async (c) => {
      const pong = await nodeOf(c).sendPing(ENR.decodeTxt(c.enr));
      const name = pong.addr.ip.type === 6 ? "ip6" : "ip4";
      const code = pong.addr.ip.type === 6 ? 41 : 4;
      const ip = multiaddr(Uint8Array.of(code, ...pong.addr.ip.octets)).toString().slice(name.length + 2);
      return { seq: Number(pong.enrSeq), ip, port: pong.addr.port };
    },
    findnode: async (c) => ({ enrs: texts(await nodeOf(c).sendFindNode(ENR.decodeTxt(c.enr), c.distances)) }),
    talk: async (c) => {
      const request = hex(c.request ?? "", "request");
      const response = await nodeOf(c).sendTalkReq(ENR.decodeTxt(c.enr), request, hex(c.protocol, "protocol"));
      return { response: Buffer.from(response).toString("hex") };
    },
    lookup: async (c) => {
      const target = c.target === undefined ? randomBytes(32) : hex(c.target, "target");
      if (target.length !== 32) throw new Error("target is not 32 bytes");
      return { enrs: texts(await nodeOf(c).findNode(target.toString("hex"))) };
    },
    add: async (c) => {
      nodeOf(c).addEnr(ENR.decodeTxt(c.enr));
      return {};
    },
    knowsall: async () => {
      const tables = nodes.map((node) => node.kadValues().map((enr) => enr.nodeId));
      return { count: new Set(tables.flat()).size, tables: tables.map((t) => t.length) };
    },
    join: async () => {
      await join();
      return {};
    },
    // How two versions of the library's record package read a record.
    decode: async (c) => ({ v4: fieldsOf(ENR.decodeTxt(c.enr)), v5: fieldsOf(ENR5.decodeTxt(c.enr)) }),
  };
}

function answer(object) {
  process.stdout.write(JSON.stringify(object) + "\n");
}

async function run(commands, c) {
  const head = { cmd: c.cmd };
  if (c.id !== undefined) head.id = c.id;
  try {
    if (!Object.hasOwn(commands, c.cmd)) throw new Error("unknown command");
    answer({ ...head, ok: true, ...(await within(COMMAND_TIMEOUT_MS, commands[c.cmd](c))) });
  } catch (e) {
    answer({ ...head, ok: false, error: [e.code, e.message].filter(Boolean).join(": ") });
  }
}

async function serve(commands, stop) {
  const lines = createInterface({ input: process.stdin });
  for await (const line of lines) {
    if (!line.trim()) continue;
    let c;
    try {
      c = JSON.parse(line);
    } catch {
      answer({ ok: false, error: "not JSON" });
      continue;
    }
    if (c.cmd === "stop") {
      answer({ cmd: "stop", ...(c.id === undefined ? {} : { id: c.id }), ok: true });
      break;
    }
    // A command with an id runs beside the others, one without holds up the next line.
    const done = run(commands, c);
    if (c.id === undefined) await done;
  }
  await stop();
}

async function main() {
  const o = readOptions();
  rememberRecordCrypto();
  const nodes = Array.from({ length: o.nodes }, (_, i) => makeNode(o, i));
  let ready = false;
  let stopping = false;

  const stop = async () => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(0), 2000).unref();
    await Promise.all(nodes.map((node) => node.stop()));
    process.exit(0);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  process.stdout.on("error", stop);
  // An error inside the library's packet handlers must not end the other nodes; one at start must.
  process.on("uncaughtException", (e) => {
    if (!ready) die(e.message);
    process.stderr.write(`peer ${KIND}: in the library: ${e.stack}\n`);
  });

  await Promise.all(nodes.map((node) => node.start()));
  const boot = [...nodes.slice(0, o.boot).map((n) => n.enr.toENR()), ...o.bootnodes.map((t) => ENR.decodeTxt(t))];
  for (const node of nodes) for (const enr of boot) node.addEnr(enr);
  ready = true;
  answer({
    ready: true,
    kind: KIND,
    enrs: nodes.map((node) => node.enr.encodeTxt()),
    ids: nodes.map((node) => node.enr.nodeId),
  });

  let joining;
  const join = () => (joining ??= joinAll(nodes).finally(() => (joining = undefined)));
  if (o.join) join();
  await serve(commandsOver(nodes, join), stop);
}

await main();
