package notifications

import (
	"testing"
	"time"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/domain/person"
	"github.com/supportledger/supportledger/ledger"
)

// What the ledger keeps to itself neither goes out nor stops the feed.
func TestTheFeedPassesByWhatIsNotPublished(t *testing.T) {
	for _, e := range []domain.Event{
		(*mail.Sent)(nil), (*mail.GivenUp)(nil), (*mail.Requested)(nil), (*ledger.MailsSwitchedOn)(nil),
		(*person.Erased)(nil), (*ledger.NumbersReserved)(nil),
	} {
		if published, err := ledger.Published(e.Name()); published || err != nil {
			t.Errorf("%s: published %v (%v)", e.Name(), published, err)
		}
	}
}

// A stream that loses messages for ever is filled again less and less often, and
// one that was whole for long at once.
func TestAStreamIsFilledAgainLessAndLessOften(t *testing.T) {
	h := heals{first: healPauseFirst, most: healPauseMost}
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	for range 25 {
		h.began(now)
		now = h.next().Add(time.Second)
	}
	if h.pause != healPauseMost {
		t.Errorf("after many times it is filled every %v", h.pause)
	}
	if h.began(now.Add(3 * healPauseMost)); h.pause != healPauseFirst {
		t.Errorf("after long it waits for %v", h.pause)
	}
}
