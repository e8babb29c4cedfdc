package notifications

import (
	"testing"

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
