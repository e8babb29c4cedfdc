package mail

import (
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
)

var (
	ani        = uuid.MustParse("00000000-0000-4000-8000-00000000000a")
	cause      = uuid.MustParse("00000000-0000-4000-8000-0000000000c1")
	first      = uuid.MustParse("00000000-0000-4000-8000-0000000000f1")
	second     = uuid.MustParse("00000000-0000-4000-8000-0000000000f2")
	now        = time.Date(2026, 3, 2, 10, 0, 0, 123456000, time.UTC)
	theAddress = domain.Sealed[Recipient]{Person: ani, Box: []byte("address")}
	theEnd     = domain.Sealed[Recipient]{Person: ani, Box: []byte("address and what was said")}
)

// samples are the events that the golden files hold, with every member set: what
// each file must mean to every later version.
func samples() []Event {
	about := Letter{Mail: first, Kind: Submitted, Cause: cause, Language: "id"}
	return []Event{
		&Sent{Letter: about, Recipient: theAddress, Try: 2, MessageID: "<1@example.com>", At: now},
		&GivenUp{Letter: about, Recipient: theEnd, Tries: 12, Reason: "unreachable", At: now},
		&Requested{Letter: about, Recipient: theEnd, Reason: "the address works again", At: now},
	}
}
