package domain_test

import (
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/partner"
	"github.com/supportledger/supportledger/domain/programcase"
	"github.com/supportledger/supportledger/domain/purchase"
)

var (
	budi     = uuid.MustParse("00000000-0000-4000-8000-00000000000b")
	place    = uuid.MustParse("00000000-0000-4000-8000-0000000000e1")
	gold     = uuid.MustParse("00000000-0000-4000-8000-0000000000f1")
	lastYear = uuid.MustParse("00000000-0000-4000-8000-0000000000f2")
	asked    = time.Date(2026, 3, 2, 10, 0, 0, 123456789, time.UTC)
	number   = contract.Number(260302123456789)
)

// samples are the events that the golden files hold, with every member set: what
// each file must mean to every later version.
func samples() map[string][]domain.Event {
	sealed := domain.Sealed[partner.ContactTexts]{Person: ani, Box: []byte("contact")}
	return map[string][]domain.Event{
		"partner": {
			&partner.Registered{
				Company: "Contoso", Level: "gold", Signature: true, Country: "ID", TimeZone: "Asia/Jakarta", Contact: sealed, Language: "id",
			},
			&partner.LocationAdded{Location: place, Title: "Bandung", Country: "ID", TimeZone: "Asia/Jakarta", Contact: sealed, Language: "id"},
			&partner.ContactChanged{Location: place, Primary: true, Previous: budi, Country: "SG", Contact: sealed, Language: "en"},
			&partner.MembershipRenewed{
				RenewedOn: catalog.Date{Year: 2026, Month: 1, Day: 15}, Level: "gold",
				Contracts: []partner.YearContract{{
					Kind: partner.KindCore, Contract: gold, Programme: "partner-gold", Predecessor: lastYear,
					ActivatesOn: catalog.Date{Year: 2026, Month: 2, Day: 5}, ActivatesAt: time.Date(2026, 2, 4, 17, 0, 0, 0, time.UTC),
				}},
			},
			&partner.ToolkitBought{
				Location: place, Competency: "cloud-platform", Reference: "PO-7", Contract: gold, Programme: "toolkit", InternalUse: []string{"Five seats"},
			},
		},
		"programcase": {
			&programcase.Opened{
				Number: number, Account: ani, Partner: "4648141", Kind: programcase.RequestIDs, Contract: gold, Portal: "mpn",
				Texts: domain.Sealed[programcase.QuestionTexts]{Person: ani, Box: []byte("question")}, OpenedAt: asked,
			},
			&programcase.Closed{
				Number: number, Outcome: "sent", ClosedAt: asked,
				Texts: domain.Sealed[programcase.AnswerTexts]{Person: ani, Box: []byte("answer")},
			},
		},
		"purchase": {
			&purchase.Registered{
				Reference: "ORDER-1", Account: ani, Family: "cloud", Families: []string{"online", "azure"}, Quantity: 3, Programme: "ppi",
				Contract: gold, RegisteredAt: asked,
			},
			&purchase.Spent{Account: ani, Contract: gold, Number: number, SpentAt: asked},
		},
	}
}
