package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/supportledger/supportledger/audit"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/projections"
)

// contractReadInput is a look at a contract.
type contractReadInput struct {
	ContractInput
	AfterInput
}

func (a *API) registerContractReads(tag string) {
	register(a, "list-contracts", http.StatusOK, texts{tag, "List contracts", "The newest first."}, a.listContracts)
	register(a, "get-contract", http.StatusOK, texts{tag, "A contract as it is now", "With its grants and balances."}, a.getContract)
	register(a, "get-history", http.StatusOK, texts{tag, "Everything that happened to a contract",
		"Oldest first, with the balances right after each event. A Contract ID is never part of it."}, a.getHistory)
	register(a, "get-statement", http.StatusOK, texts{tag, "A contract's statement for a period",
		"Opening, movements and closing of each unit, which add up; what was due by then counts whether or not it was recorded."}, a.getStatement)
	register(a, "get-balance", http.StatusOK, texts{tag, "A contract's balances at any time",
		"What was due by then counts whether or not it was recorded."}, a.getBalance)
}

type contractsInput struct {
	PageInput
	AccessID string `query:"access_id" maxLength:"64" doc:"Only the contracts with this Access ID"`
	Partner  string `query:"partner" maxLength:"64" doc:"Only the contracts of this partner"`
	Status   string `query:"status" enum:"registered,waiting,active,suspended,expired,cancelled"`
}

func (a *API) listContracts(ctx context.Context, _ *call, in *contractsInput) (*shown[list[ContractView]], error) {
	filter := projections.ContractFilter{PartnerID: in.Partner, Status: contract.Status(in.Status)}
	if in.AccessID != "" {
		var err error
		if filter.AccessID, err = contract.ParseID("access_id", in.AccessID); err != nil {
			return nil, err
		}
	}
	if err := a.wait(ctx, in.After); err != nil {
		return nil, err
	}
	rows, err := a.Projections.Contracts.List(ctx, a.Ledger.Now(), filter, in.page())
	if err != nil {
		return nil, err
	}
	return render(rows, func(r *projections.ContractRow) ContractView { return renderSummary(r.ID, r.Summary) }), nil
}

type historyInput struct {
	ContractInput
	PageInput
}

// A historyItem is one event of a contract (SPEC section 5).
type historyItem struct {
	Position   uint64                 `json:"position"`
	Stream     string                 `json:"stream,omitempty" doc:"Where it is not the contract's own: its mails are recorded beside it, with revisions of their own"`
	Revision   int64                  `json:"revision"`
	Type       string                 `json:"type" example:"incident.deducted.v1"`
	RecordedAt time.Time              `json:"recorded_at"`
	By         actorView              `json:"by"`
	Data       json.RawMessage        `json:"data" doc:"The event"`
	Balances   map[string]balanceView `json:"balances" doc:"By unit, right after the event"`
}

// An actorView is who did something.
type actorView struct {
	Account *string `json:"account" doc:"null where the ledger did it, because time had passed"`
	Role    string  `json:"role"`
	Portal  *string `json:"portal"`
}

func (a *API) getHistory(ctx context.Context, _ *call, in *historyInput) (*shown[list[historyItem]], error) {
	id, err := contractID(in.ID)
	if err != nil {
		return nil, err
	}
	from, err := placeOfHistory(in.Cursor)
	if err != nil {
		return nil, err
	}
	if _, err := a.position(ctx, in.After); err != nil {
		return nil, err
	}
	page, err := a.Auditor.History(ctx, id, from, orDefault(in.Limit, defaultLimit), a.Ledger.Open)
	if err != nil {
		return nil, err
	}
	out := list[historyItem]{Items: make([]historyItem, len(page.Items)), AsOf: asOf(page.AsOf)}
	for i := range page.Items {
		out.Items[i] = renderItem(&page.Items[i])
	}
	if page.Next != nil {
		out.Next = fmt.Sprintf(historyCursor, page.Next.Contract, page.Next.Mails)
	}
	return &shown[list[historyItem]]{out}, nil
}

func renderItem(item *audit.Item) historyItem {
	return historyItem{
		Position: uint64(item.Position), Stream: item.Stream, Revision: int64(item.Revision), Type: item.Type, RecordedAt: item.RecordedAt,
		By:   actorView{idOrNull(item.By.Account), string(item.By.Role), orNull(item.By.Portal)},
		Data: item.Data, Balances: renderBalances(item.Balances),
	}
}

// historyCursor is a place in a history: the next revision of the contract, and
// that of its mails.
const historyCursor = "r%dm%d"

// placeOfHistory reads a history's cursor.
func placeOfHistory(cursor string) (audit.Place, error) {
	var from audit.Place
	if cursor == "" {
		return from, nil
	}
	_, err := fmt.Sscanf(cursor, historyCursor, &from.Contract, &from.Mails)
	if err != nil || from.Contract < 0 || from.Mails < 0 || fmt.Sprintf(historyCursor, from.Contract, from.Mails) != cursor {
		return audit.Place{}, malformedCursor()
	}
	return from, nil
}

func malformedCursor() *Problem {
	return aField("malformed-cursor", "cursor", "is no cursor of this list", sentences["malformed-cursor"].hint)
}

type balanceInput struct {
	ContractInput
	AfterInput
	At string `query:"at" maxLength:"64" doc:"A position, or a time by RFC 3339, both inclusive; now if left out"`
}

// A balanceAt is a contract's units as of a moment.
type balanceAt struct {
	AsOf     asOfView               `json:"as_of"`
	Balances map[string]balanceView `json:"balances" doc:"By unit"`
	Grants   []grantView            `json:"grants" nullable:"false" doc:"What the balances are made of, oldest first"`
}

func (a *API) getBalance(ctx context.Context, _ *call, in *balanceInput) (*shown[balanceAt], error) {
	id, err := contractID(in.ID)
	if err != nil {
		return nil, err
	}
	at, err := audit.ParseMoment(in.At)
	if err != nil {
		return nil, err
	}
	if _, err := a.position(ctx, in.After); err != nil {
		return nil, err
	}
	balances, err := a.Auditor.BalanceAt(ctx, id, at)
	if err != nil {
		return nil, err
	}
	return &shown[balanceAt]{balanceAt{asOf(balances.AsOf), renderBalances(balances.Balances), renderGrants(balances.Grants)}}, nil
}
