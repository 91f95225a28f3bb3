//go:build !linux

package loader

import "time"

// asleep is known on Linux only.
func asleep() time.Duration { return 0 }
