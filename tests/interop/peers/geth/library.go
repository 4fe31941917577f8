// SPDX-License-Identifier: BSD-3-Clause

// What the test peer needs of the library but the library does not export.
package main

import (
	"net"
	"reflect"
	"unsafe"

	"github.com/ethereum/go-ethereum/p2p/discover"
	"github.com/ethereum/go-ethereum/p2p/enode"
)

// Ping's PONG and FINDNODE by distance are methods that the package keeps to itself. The pinned version makes
// linking to them by name safe; bodyless.s lets this package declare functions without a body.

//go:linkname ping github.com/ethereum/go-ethereum/p2p/discover.(*UDPv5).ping
func ping(t *discover.UDPv5, n *enode.Node) (uint64, error)

//go:linkname findnode github.com/ethereum/go-ethereum/p2p/discover.(*UDPv5).findnode
func findnode(t *discover.UDPv5, n *enode.Node, distances []uint) ([]*enode.Node, error)

//go:linkname wrapNode github.com/ethereum/go-ethereum/p2p/discover.wrapNode
func wrapNode(n *enode.Node) unsafe.Pointer

//go:linkname addSeenNode github.com/ethereum/go-ethereum/p2p/discover.(*Table).addSeenNode
func addSeenNode(tab, node unsafe.Pointer)

func addToTable(t *discover.UDPv5, n *enode.Node) {
	tab := reflect.ValueOf(t).Elem().FieldByName("tab")
	addSeenNode(tab.UnsafePointer(), wrapNode(n))
}

func echo(_ enode.ID, _ *net.UDPAddr, request []byte) []byte {
	return reversed(request)
}

// listen opens the node's socket, or one for each family when it has an address of both.
func listen(o *options, port int) (discover.UDPConn, error) {
	var socks []*net.UDPConn
	for _, ip := range []string{o.ip, o.ip6} {
		if ip == "" {
			continue
		}
		c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(ip), Port: port})
		if err != nil {
			return nil, err
		}
		socks = append(socks, c)
	}
	if len(socks) == 1 {
		return socks[0], nil
	}
	return newTwoSocks(socks[0], socks[1]), nil
}

type packet struct {
	data []byte
	from *net.UDPAddr
}

// twoSocks shows an IPv4 and an IPv6 socket to the library as one.
type twoSocks struct {
	v4, v6 *net.UDPConn
	in     chan packet
	done   chan struct{}
}

func newTwoSocks(v4, v6 *net.UDPConn) *twoSocks {
	s := &twoSocks{v4: v4, v6: v6, in: make(chan packet, 64), done: make(chan struct{})}
	for _, c := range []*net.UDPConn{v4, v6} {
		go s.readFrom(c)
	}
	return s
}

func (s *twoSocks) readFrom(c *net.UDPConn) {
	buf := make([]byte, 2048)
	for {
		n, from, err := c.ReadFromUDP(buf)
		if err != nil {
			return
		}
		select {
		case s.in <- packet{append([]byte(nil), buf[:n]...), from}:
		case <-s.done:
			return
		}
	}
}

func (s *twoSocks) ReadFromUDP(b []byte) (int, *net.UDPAddr, error) {
	select {
	case p := <-s.in:
		return copy(b, p.data), p.from, nil
	case <-s.done:
		return 0, nil, net.ErrClosed
	}
}

func (s *twoSocks) WriteToUDP(b []byte, to *net.UDPAddr) (int, error) {
	if to.IP.To4() != nil {
		return s.v4.WriteToUDP(b, to)
	}
	return s.v6.WriteToUDP(b, to)
}

func (s *twoSocks) Close() error {
	close(s.done)
	return errorsOf(s.v4.Close(), s.v6.Close())
}

func (s *twoSocks) LocalAddr() net.Addr {
	return s.v4.LocalAddr()
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
