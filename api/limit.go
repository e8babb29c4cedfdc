package api

import (
	"sync"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
)

// limiter lets each account send so many requests a second, and saves up to a
// burst of them. A nil limiter lets everything through.
type limiter struct {
	rate, burst float64

	mu      sync.Mutex
	buckets *lru.Cache[uuid.UUID, *bucket]
}

type bucket struct {
	left float64
	at   time.Time
}

// limitedAccounts is how many accounts are remembered; whoever is forgotten
// starts with a full bucket.
const limitedAccounts = 65_536

func newLimiter(rate float64, burst int) *limiter {
	if rate <= 0 {
		return nil
	}
	buckets, err := lru.New[uuid.UUID, *bucket](limitedAccounts)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &limiter{rate: rate, burst: max(float64(burst), 1), buckets: buckets}
}

// take lets one request of an account through, or says how long to wait.
func (l *limiter) take(account uuid.UUID, now time.Time) (wait time.Duration, ok bool) {
	if l == nil {
		return 0, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b, found := l.buckets.Get(account)
	if !found {
		b = &bucket{l.burst, now}
		l.buckets.Add(account, b)
	}
	if passed := now.Sub(b.at); passed > 0 {
		b.left, b.at = min(l.burst, b.left+passed.Seconds()*l.rate), now
	}
	if b.left < 1 {
		return time.Duration((1 - b.left) / l.rate * float64(time.Second)), false
	}
	b.left--
	return 0, true
}
