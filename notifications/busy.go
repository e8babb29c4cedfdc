package notifications

import "time"

// Busy is how long this process has kept processors busy since its start: what
// the feed, and the post office, leave the processors to others by. 0 where the
// system does not say.
func Busy() time.Duration { return busy() }
