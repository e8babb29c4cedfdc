package api

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/purchase"
)

func (a *API) registerPurchases() {
	register(a, "register-purchase", http.StatusCreated, texts{"Purchases", "Make known what an account has bought",
		"The account pays for an incident with the reference, once; what is left then is on a contract of its own. The same purchase again changes nothing."}, a.registerPurchase)
}

// A purchaseView is what somebody has bought.
type purchaseView struct {
	Reference    string    `json:"reference"`
	Account      string    `json:"account"`
	Family       string    `json:"family"`
	Quantity     int64     `json:"quantity"`
	RegisteredAt time.Time `json:"registered_at"`
}

type purchaseInput struct {
	Body purchaseRegistrationBody
}

func (a *API) registerPurchase(ctx context.Context, c *call, in *purchaseInput) (*written[purchaseView], error) {
	b := &in.Body
	account, err := uuid.Parse(b.Account)
	if err != nil || len(b.Account) != 36 {
		return nil, invalid("account", "must be the id of an account, as GET /v1/me names it")
	}
	answer, err := a.Ledger.RegisterPurchase(ctx, c.request(""), purchase.Register{
		Reference: b.Reference, Account: account, Family: b.Family, Quantity: b.Quantity,
	})
	if err != nil {
		return nil, err
	}
	t := answer.State.Terms()
	return write(http.StatusCreated, answer.Receipt, purchaseView{t.Reference, t.Account.String(), t.Family, t.Quantity, t.RegisteredAt}), nil
}
