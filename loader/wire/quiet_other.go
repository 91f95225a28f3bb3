//go:build !unix

package wire

import (
	"net"
	"syscall"
)

// socketOf is known on Unix only.
func socketOf(net.Conn) syscall.RawConn { return nil }

func nothingArrived(syscall.RawConn) bool { return true }
