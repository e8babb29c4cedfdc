package ledger

import "github.com/google/uuid"

// MailsWaiting is how many commands wait for a contract's mails.
func (l *Ledger) MailsWaiting(contract uuid.UUID) int { return waiting(l.mails.cache, contract) }

// Waiting is how many commands wait for a contract.
func (l *Ledger) Waiting(contract uuid.UUID) int { return waiting(l.streams.cache, contract) }

func waiting[C waiter, Q streamOf[C]](c *cache[C, Q], id uuid.UUID) int {
	s := c.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.byID[id]
	if !ok {
		return 0
	}
	q := at.Value.(Q).itsLine()
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// LimitMails bounds the room for the states of mails, in bytes.
func (l *Ledger) LimitMails(limit int64) { l.mails.cache.shards[0].limit = limit }

// MailsKept is how many states of mails are in memory, and their weight.
func (l *Ledger) MailsKept() (n int, weight int64) {
	s := &l.mails.cache.shards[0]
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := int64(0)
	for at := s.recent.Front(); at != nil; at = at.Next() {
		sum += at.Value.(*mailbox).weight
	}
	if sum != s.weight || len(s.byID) != s.recent.Len() {
		return -1, sum - s.weight
	}
	return s.recent.Len(), sum
}
