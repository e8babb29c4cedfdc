package notifications

import "time"

// HealAgainAfter is how long a feed that does not run yet waits until it fills a
// stream a second time.
func (f *Feed) HealAgainAfter(pause time.Duration) { f.heals.first, f.heals.most = pause, pause }
