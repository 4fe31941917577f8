// SPDX-License-Identifier: BSD-3-Clause

// Test peer: N nodes of go-ethereum's p2p/discover (ListenV5) in one process, driven by JSON lines.
// The options, the commands and their answers are the same for every peer: ../README.md.
package main

import (
	"bufio"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/p2p/discover"
	"github.com/ethereum/go-ethereum/p2p/enode"
)

const (
	kind       = "geth"
	joinAtOnce = 4

	// A node looks up its surroundings as soon as it starts. If all did so at once, most would dial each other at the
	// same moment, which the library resolves by timeouts only.
	startApart = 20 * time.Millisecond
)

type options struct {
	nodes     int
	ip, ip6   string
	port      int
	seed      string
	boot      int
	bootnodes []*enode.Node
	ping      time.Duration
	noJoin    bool
}

type command struct {
	Cmd       string          `json:"cmd"`
	ID        json.RawMessage `json:"id"`
	Node      int             `json:"node"`
	ENR       string          `json:"enr"`
	Distances []uint          `json:"distances"`
	Protocol  string          `json:"protocol"`
	Request   string          `json:"request"`
	Target    string          `json:"target"`
}

type answer map[string]interface{}

type peer struct {
	nodes   []*discover.UDPv5
	out     sync.Mutex
	joining sync.Mutex
}

func die(format string, args ...interface{}) {
	fmt.Fprintf(os.Stderr, "peer "+kind+": "+format+"\n", args...)
	os.Exit(1)
}

func parseNode(text string) (*enode.Node, error) {
	return enode.Parse(enode.ValidSchemes, text)
}

func readOptions() *options {
	o := new(options)
	var pingMs int
	flag.IntVar(&o.nodes, "nodes", 1, "how many nodes")
	flag.StringVar(&o.ip, "ip", "", "IPv4 address")
	flag.StringVar(&o.ip6, "ip6", "", "IPv6 address")
	flag.IntVar(&o.port, "base-port", 0, "node i takes this port + i, for both families")
	flag.StringVar(&o.seed, "seed", "", "keys come from this and i; the base port if absent")
	flag.IntVar(&o.boot, "boot", 3, "every node starts with the first of these many nodes")
	flag.IntVar(&pingMs, "ping-interval", 10000, "longest time between two liveness checks, ms")
	flag.BoolVar(&o.noJoin, "no-join", false, "no lookups of its own at start")
	flag.Func("bootnode", "one more record to start with; repeatable", func(text string) error {
		n, err := parseNode(text)
		o.bootnodes = append(o.bootnodes, n)
		return err
	})
	flag.Parse()
	if flag.NArg() > 0 || o.port < 1025 || o.nodes < 1 || o.port+o.nodes > 65536 {
		die("bad options: --base-port, --nodes or a stray word")
	}
	if o.ip == "" && o.ip6 == "" {
		o.ip = "127.0.0.1"
	}
	if o.seed == "" {
		o.seed = fmt.Sprint(o.port)
	}
	o.ping = time.Duration(pingMs) * time.Millisecond
	return o
}

func reversed(in []byte) []byte {
	out := make([]byte, len(in))
	for i, b := range in {
		out[len(in)-1-i] = b
	}
	return out
}

// openLocal makes node i's record and key without any network.
func openLocal(o *options, i int) (*enode.LocalNode, discover.Config, error) {
	var cfg discover.Config
	seed := sha256.Sum256([]byte(fmt.Sprintf("xord-interop/%s/%s/%d", kind, o.seed, i)))
	key, err := crypto.ToECDSA(seed[:])
	if err != nil {
		return nil, cfg, err
	}
	db, err := enode.OpenDB("")
	if err != nil {
		return nil, cfg, err
	}
	ln := enode.NewLocalNode(db, key)
	// Static addresses: the record stays as announced, whatever address the other nodes' PONGs name.
	for _, ip := range []string{o.ip, o.ip6} {
		if ip == "" {
			continue
		}
		parsed := net.ParseIP(ip)
		if parsed == nil {
			return nil, cfg, fmt.Errorf("%s is no address", ip)
		}
		ln.SetStaticIP(parsed)
	}
	ln.SetFallbackUDP(o.port + i)
	cfg.PrivateKey = key
	cfg.PingInterval = o.ping
	return ln, cfg, nil
}

func startNodes(o *options) ([]*discover.UDPv5, error) {
	locals := make([]*enode.LocalNode, o.nodes)
	cfgs := make([]discover.Config, o.nodes)
	boot := append([]*enode.Node{}, o.bootnodes...)
	for i := range locals {
		var err error
		if locals[i], cfgs[i], err = openLocal(o, i); err != nil {
			return nil, err
		}
		if i < o.boot {
			boot = append(boot, locals[i].Node())
		}
	}
	nodes := make([]*discover.UDPv5, o.nodes)
	for i := range nodes {
		conn, err := listen(o, o.port+i)
		if err != nil {
			return nil, err
		}
		// The table looks up its own surroundings as soon as it has bootnodes.
		if !o.noJoin {
			cfgs[i].Bootnodes = boot
		}
		if nodes[i], err = discover.ListenV5(conn, locals[i], cfgs[i]); err != nil {
			return nil, err
		}
		nodes[i].RegisterTalkHandler("echo", echo)
		time.Sleep(startApart)
		for _, n := range boot {
			if o.noJoin {
				addToTable(nodes[i], n)
			}
		}
	}
	return nodes, nil
}

func (p *peer) print(a interface{}) {
	text, err := json.Marshal(a)
	if err != nil {
		die("%v", err)
	}
	p.out.Lock()
	defer p.out.Unlock()
	if _, err := os.Stdout.Write(append(text, '\n')); err != nil {
		os.Exit(0)
	}
}

func texts(nodes []*enode.Node) []string {
	out := make([]string, len(nodes))
	for i, n := range nodes {
		out[i] = n.String()
	}
	return out
}

// join has every node look up its own surroundings, a few nodes at a time.
func (p *peer) join() {
	p.joining.Lock()
	defer p.joining.Unlock()
	todo := make(chan *discover.UDPv5, len(p.nodes))
	for _, n := range p.nodes {
		todo <- n
	}
	close(todo)
	var wg sync.WaitGroup
	for i := 0; i < joinAtOnce; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for n := range todo {
				n.Lookup(n.Self().ID())
			}
		}()
	}
	wg.Wait()
}

func (p *peer) knowsAll() answer {
	seen := make(map[enode.ID]bool)
	tables := make([]int, len(p.nodes))
	for i, n := range p.nodes {
		known := n.AllNodes()
		tables[i] = len(known)
		for _, k := range known {
			seen[k.ID()] = true
		}
	}
	return answer{"count": len(seen), "tables": tables}
}

func tableOf(n *discover.UDPv5) answer {
	entries := []answer{}
	for _, k := range n.AllNodes() {
		// The library does not tell which entries have answered.
		entries = append(entries, answer{"id": k.ID().String(), "enr": k.String(), "connected": nil})
	}
	return answer{"entries": entries}
}

func lookup(n *discover.UDPv5, target string) (answer, error) {
	var id enode.ID
	if target == "" {
		if _, err := rand.Read(id[:]); err != nil {
			return nil, err
		}
	} else {
		var err error
		if id, err = enode.ParseID(target); err != nil {
			return nil, err
		}
	}
	return answer{"enrs": texts(n.Lookup(id))}, nil
}

func talk(n *discover.UDPv5, to *enode.Node, c *command) (answer, error) {
	protocol, err := hex.DecodeString(c.Protocol)
	if err != nil {
		return nil, err
	}
	request, err := hex.DecodeString(c.Request)
	if err != nil {
		return nil, err
	}
	response, err := n.TalkRequest(to, string(protocol), request)
	if err != nil {
		return nil, err
	}
	return answer{"response": hex.EncodeToString(response)}, nil
}

// callTo carries out the commands that name another node.
func callTo(n *discover.UDPv5, c *command) (answer, error) {
	to, err := parseNode(c.ENR)
	if err != nil {
		return nil, err
	}
	switch c.Cmd {
	case "ping":
		seq, err := ping(n, to)
		return answer{"seq": seq}, err
	case "findnode":
		found, err := findnode(n, to, c.Distances)
		return answer{"enrs": texts(found)}, err
	case "talk":
		return talk(n, to, c)
	default:
		addToTable(n, to)
		return answer{}, nil
	}
}

func (p *peer) do(c *command) (answer, error) {
	if c.Node < 0 || c.Node >= len(p.nodes) {
		return nil, fmt.Errorf("no node %d", c.Node)
	}
	n := p.nodes[c.Node]
	switch c.Cmd {
	case "self":
		return answer{"id": n.Self().ID().String(), "enr": n.Self().String()}, nil
	case "table":
		return tableOf(n), nil
	case "ping", "findnode", "talk", "add":
		return callTo(n, c)
	case "lookup":
		return lookup(n, c.Target)
	case "knowsall":
		return p.knowsAll(), nil
	case "join":
		p.join()
		return answer{}, nil
	}
	return nil, errors.New("unknown command")
}

func (p *peer) run(c *command) {
	a, err := p.do(c)
	if a == nil || err != nil {
		a = answer{"error": fmt.Sprint(err)}
	}
	a["cmd"], a["ok"] = c.Cmd, err == nil
	if c.ID != nil {
		a["id"] = c.ID
	}
	p.print(a)
}

func (p *peer) serve() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		c := new(command)
		if err := json.Unmarshal(lines.Bytes(), c); err != nil {
			p.print(answer{"ok": false, "error": "not JSON: " + err.Error()})
			continue
		}
		switch {
		case c.Cmd == "stop":
			a := answer{"cmd": "stop", "ok": true}
			if c.ID != nil {
				a["id"] = c.ID
			}
			p.print(a)
			return
		case c.ID != nil: // a command with an id runs beside the others,
			go p.run(c)
		default: // one without holds up the next line
			p.run(c)
		}
	}
}

func (p *peer) stop() {
	// A lookup that is under way may keep Close waiting; the process need not.
	time.AfterFunc(2*time.Second, func() { os.Exit(0) })
	var wg sync.WaitGroup
	for _, n := range p.nodes {
		wg.Add(1)
		go func(n *discover.UDPv5) {
			defer wg.Done()
			n.Close()
		}(n)
	}
	wg.Wait()
	os.Exit(0)
}

func main() {
	nodes, err := startNodes(readOptions())
	if err != nil {
		die("%v", err)
	}
	p := &peer{nodes: nodes}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGPIPE)
	go func() {
		<-signals
		p.stop()
	}()
	enrs, ids := make([]string, len(nodes)), make([]string, len(nodes))
	for i, n := range nodes {
		enrs[i], ids[i] = n.Self().String(), n.Self().ID().String()
	}
	p.print(answer{"ready": true, "kind": kind, "enrs": enrs, "ids": ids})
	p.serve()
	p.stop()
}
