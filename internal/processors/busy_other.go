//go:build !unix

package processors

import "time"

func busy() time.Duration { return 0 }
