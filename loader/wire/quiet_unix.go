//go:build unix

package wire

import (
	"net"
	"syscall"
)

// socketOf is the socket of a connection; nil: it is none.
func socketOf(c net.Conn) syscall.RawConn {
	if socket, ok := c.(syscall.Conn); ok {
		if raw, err := socket.SyscallConn(); err == nil {
			return raw
		}
	}
	return nil
}

// nothingArrived looks at what has arrived for a socket and was not read yet.
func nothingArrived(socket syscall.RawConn) (quiet bool) {
	err := socket.Control(func(fd uintptr) {
		var one [1]byte
		for {
			_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
			if err != syscall.EINTR {
				quiet = err == syscall.EAGAIN
				return
			}
		}
	})
	return quiet && err == nil
}
