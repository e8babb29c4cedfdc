package ledger

import "github.com/google/uuid"

// MailsWaiting is how many commands wait for a contract's mails.
func (l *Ledger) MailsWaiting(contract uuid.UUID) int {
	b := l.mails.box(contract)
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting)
}

// LimitMails bounds the room for the states of mails, in bytes.
func (l *Ledger) LimitMails(limit int64) { l.mails.limit = limit }

// MailsKept is how many states of mails are in memory, and their weight.
func (l *Ledger) MailsKept() (n int, weight int64) {
	l.mails.mu.Lock()
	defer l.mails.mu.Unlock()
	sum := int64(0)
	for at := l.mails.recent.Front(); at != nil; at = at.Next() {
		sum += at.Value.(*mailbox).weight
	}
	if sum != l.mails.weight || len(l.mails.byID) != l.mails.recent.Len() {
		return -1, sum - l.mails.weight
	}
	return l.mails.recent.Len(), sum
}
