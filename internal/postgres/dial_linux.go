package postgres

import (
	"context"
	"strings"
	"syscall"
)

// tcpUserTimeout is TCP_USER_TIMEOUT, which syscall does not name.
const tcpUserTimeout = 18

// giveUpUnacknowledged ends a connection whose other end has not acknowledged for
// deadAfter what was sent: a machine that is gone without a word would otherwise
// be waited for a quarter of an hour.
func giveUpUnacknowledged(_ context.Context, network, _ string, conn syscall.RawConn) error {
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	var set error
	err := conn.Control(func(fd uintptr) {
		set = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(deadAfter.Milliseconds()))
	})
	if err != nil {
		return err
	}
	return set
}
