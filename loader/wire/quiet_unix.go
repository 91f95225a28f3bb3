//go:build unix

package wire

import (
	"net"
	"syscall"
)

// nothingArrived looks at what has arrived for a socket and was not read yet. What is no socket is taken for quiet.
func nothingArrived(c net.Conn) (quiet bool) {
	socket, ok := c.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	err = raw.Control(func(fd uintptr) {
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
