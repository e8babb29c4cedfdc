package mail

import (
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/catalog"
)

// samples are letters of a kind that templates are tried with: between them
// every field is there once and missing once.
func samples(kind Kind, language string) []Letter {
	full := Letter{
		ID: uuid.UUID{15: 1}, Kind: kind, To: Person{"Ani Wijaya", "ani@example.com"}, Language: language,
		Vendor: "Example Support", Contract: "0230242323 - Partner Support Gold 20Pack", Zone: time.FixedZone("Asia/Jakarta", 7*3600),
		ServiceName: "Partner Support Gold 20Pack", AccessID: "0230242323",
		StartsOn: catalog.Date{Year: 2026, Month: time.March, Day: 1}, LastDay: catalog.Date{Year: 2027, Month: time.February, Day: 28},
		LinkedAt: time.Date(2026, time.March, 2, 3, 4, 5, 0, time.UTC), Portal: "Partner portal",
		Number: "26030212345678", Title: "Backup fails <at> night & in the morning", Severity: "B",
		ResponseTime: "PT4H", ResponseHours: catalog.ResponseBusiness, DueAt: time.Date(2026, time.March, 2, 23, 30, 0, 0, time.UTC),
		Closure: "Resolved", Outcome: Counted, Left: Left{Pays: true, Count: 5}, DaysLeft: 30,
	}
	if kind == IDs {
		full.ContractID = "0098765432"
	}
	bare := full
	bare.To.Name, bare.Contract, bare.Zone, bare.Portal, bare.Left, bare.Outcome, bare.DaysLeft = "", "", nil, "", Left{}, NotDeducted, 7
	bare.ResponseTime, bare.ResponseHours = "PT90M", catalog.ResponseAlways
	unlimited, last, lapsed := full, full, full
	unlimited.Left, unlimited.Outcome = Left{Pays: true, Unlimited: true}, CreditedBack
	last.Left, last.Outcome = Left{Pays: true, Count: 1}, CreditedBack
	lapsed.Left, lapsed.Outcome = Left{Pays: true}, CreditLapsed
	return []Letter{full, bare, unlimited, last, lapsed}
}
