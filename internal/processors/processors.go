// Package processors says how much of them this process uses, and lacks.
package processors

import "time"

// Busy is how long this process has kept processors busy since its start, the
// system's work for it included; 0 where the system does not say. Where the
// machine has other work to do, it says more than how long something took.
func Busy() time.Duration { return busy() }
