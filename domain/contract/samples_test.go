package contract

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
)

// samples are the events that the golden files hold, with every member set: what
// each file must mean to every later version.
func samples() []Event {
	return slices.Concat(contractSamples(), incidentSamples(), advisorySamples())
}

var (
	goldenNumber = Number(260302123456789)
	goldenTime   = time.Date(2026, 3, 2, 10, 0, 0, 123456789, time.UTC)
	goldenLeft   = int64(19)
)

func contractSamples() []Event {
	return []Event{
		&Registered{
			AccessID: "0230242323", ContractID: []byte("ciphertext"), Programme: "partner-gold",
			ServiceName: "Partner Support Gold 20Pack", Short: "GOLD", PlanText: "Gold",
			Covers: []string{"on-premises"}, Portals: []string{"oas", "mpn"},
			Included:  []IncludedUnits{{Unit: Incident, Quantity: 20}, {Unit: Minute, Unlimited: true}},
			GraceDays: 7, PartnerID: "4648141", Country: "ID", TimeZone: "Asia/Jakarta", StartsOn: day("2026-03-01"),
			Contact: domain.Sealed[ContactTexts]{Person: ani, Box: []byte("contact")}, Language: "id", RegisteredOn: day("2026-02-20"),
			Predecessor: predecessor, Renewal: successor, Replaces: true, Follows: replacement, Reason: "registered by hand",
		},
		&Activated{
			Status: StatusActive, StartsOn: day("2026-03-01"), ExpiresOn: day("2027-02-28"),
			StartsAt: instant("2026-02-28T17:00:00Z"), EndsAt: instant("2027-02-28T17:00:00Z"), Reason: "asked by mail",
		},
		&Promised{
			ActivatesOn: day("2026-03-22"), ActivatesAt: instant("2026-03-21T17:00:00Z"), StartsOn: day("2026-03-01"), ExpiresOn: day("2027-02-28"),
			StartsAt: instant("2026-02-28T17:00:00Z"), EndsAt: instant("2027-02-28T17:00:00Z"),
		},
		&Suspended{Reason: "unpaid"},
		&Resumed{Reason: "paid"},
		&Cancelled{Reason: "given back"},
		&Expired{EndedAt: instant("2027-02-28T17:00:00Z")},
		&Renewed{Successor: successor, StartsOn: day("2027-03-01"), Reason: "another year"},
		&Reissued{
			Successor: replacement, Keep: []uuid.UUID{ani, budi}, Status: StatusSuspended, Reason: "leaked",
			Moved: []MovedUnits{{Grant: 2, Unit: Incident, Quantity: 5, Unlimited: true, Source: Bought, EndsAt: goldenTime}},
		},
		&GrantAdded{
			Grant: 2, Unit: Minute, Quantity: 90, Unlimited: true, Source: Added, ExpiresOn: day("2026-08-31"),
			EndsAt: goldenTime, From: &MovedFrom{Contract: predecessor, Grant: 1}, Reason: "goodwill",
		},
		&GrantAdjusted{Grant: 2, Unit: Minute, Quantity: -30, Available: 60, Reason: "counted twice"},
		&GrantLapsed{Grant: 2, Unit: Minute, Quantity: 60, EndedAt: goldenTime},
		&AccountLinked{Account: ani, Portal: "oas", Inherited: predecessor, At: goldenTime},
		&AccountUnlinked{Account: ani, Reason: "left the company"},
	}
}

func incidentSamples() []Event {
	promised := catalog.Response{Time: "PT8H", Hours: catalog.ResponseBusiness, DueAt: goldenTime}
	return []Event{
		&IncidentSubmitted{
			Number: goldenNumber, Account: ani, Portal: "azure", Product: "azure", Family: "azure", Usage: "developer",
			ProblemType: "setup", Category: "install", Subscription: "sub-1", Service: "vm", Title: "It does not start",
			Severity: "C", Response: promised, Country: "ID",
			Texts: domain.Sealed[IncidentTexts]{Person: ani, Box: []byte("texts")}, Language: "id", Agreement: "2026-01", OpenedAt: goldenTime,
		},
		&IncidentDeducted{Number: goldenNumber, Grant: 1, Unit: Incident, Quantity: 1, Remaining: &goldenLeft, Unlimited: true},
		&IncidentRightUsed{Number: goldenNumber, Account: ani, Portal: "azure", Customer: "contoso", Right: "administrator"},
		&IncidentFilesAttached{
			Number: goldenNumber, Texts: domain.Sealed[AttachmentTexts]{Person: ani, Box: []byte("names")},
			Attachments: []Attachment{{SHA256: "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03", Type: "image/png", Size: 4711}},
		},
		&IncidentCommented{
			Number: goldenNumber, Author: "engineer", Texts: domain.Sealed[CommentTexts]{Person: ani, Box: []byte("comment")},
			FirstResponse: &FirstResponse{At: goldenTime, Met: true},
		},
		&IncidentSeverityChanged{Number: goldenNumber, Severity: "C", Previous: "A", Response: promised, Reason: "less urgent"},
		&IncidentClosed{
			Number: goldenNumber, Closure: "resolved", Decrement: true,
			Texts:    domain.Sealed[ResolutionTexts]{Person: ani, Box: []byte("resolution")},
			ClosedAt: goldenTime, ReopenUntil: goldenTime.AddDate(0, 0, 14), ReclassifyUntil: goldenTime.AddDate(0, 0, 60),
		},
		&IncidentCreditedBack{Number: goldenNumber, Grant: 1, Unit: Incident, Quantity: 1, Remaining: &goldenLeft, Unlimited: true},
		&IncidentReopened{Number: goldenNumber, Reason: "it came back"},
		&IncidentReclassified{Number: goldenNumber, Closure: "resolved", Previous: "duplicate", Decrement: true, Reason: "it was none"},
	}
}

func advisorySamples() []Event {
	parts := []GrantUnits{{Grant: 2, Quantity: 60}, {Grant: 1, Quantity: 30}}
	return []Event{
		&AdvisoryOpened{
			Number: goldenNumber, Account: ani, Portal: "mpn", Title: "Which one fits",
			Texts: domain.Sealed[AdvisoryTexts]{Person: ani, Box: []byte("question")}, Language: "id", OpenedAt: goldenTime,
		},
		&AdvisoryTimeDeducted{
			Number: goldenNumber, Entry: "2026-03-02/1", Unit: Minute, Minutes: 90, Parts: parts, Remaining: &goldenLeft, Unlimited: true,
			Texts: domain.Sealed[AdviceTexts]{Person: ani, Box: []byte("advice")}, At: goldenTime,
		},
		&AdvisoryTimeCreditedBack{
			Number: goldenNumber, Entry: "2026-03-02/1", Unit: Minute, Minutes: 90, Parts: parts, Remaining: &goldenLeft, Unlimited: true,
			Reason: "the wrong contract", At: goldenTime,
		},
		&AdvisoryClosed{
			Number: goldenNumber, Texts: domain.Sealed[AdviceTexts]{Person: ani, Box: []byte("summary")}, ClosedAt: goldenTime,
			CreditUntil: goldenTime.AddDate(0, 0, 60),
		},
	}
}
