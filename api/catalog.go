package api

import (
	"context"
	"net/http"

	"github.com/supportledger/supportledger/domain/catalog"
)

func (a *API) registerCatalog() {
	const tag = "Catalogue"
	register(a, "get-catalog", http.StatusOK, texts{tag, "The catalogue",
		"Portals, products, programmes, severities, closure codes, and the services agreement in force."}, a.getCatalog)
	register(a, "list-self-help", http.StatusOK, texts{tag, "Self-help resources", "The best match first."}, a.listSelfHelp)
}

func (a *API) getCatalog(context.Context, *call, *struct{}) (*shown[*catalog.Catalog], error) {
	return &shown[*catalog.Catalog]{a.Catalog}, nil
}

type selfHelpInput struct {
	Product     string `query:"product" maxLength:"100"`
	ProblemType string `query:"problem_type" maxLength:"100"`
	Category    string `query:"category" maxLength:"100"`
}

// A selfHelp is what somebody may try before asking for help (R24).
type selfHelp struct {
	Items []catalog.Resource `json:"items" nullable:"false"`
}

func (a *API) listSelfHelp(_ context.Context, _ *call, in *selfHelpInput) (*shown[selfHelp], error) {
	return &shown[selfHelp]{selfHelp{a.Catalog.SelfHelp(in.Product, in.ProblemType, in.Category)}}, nil
}
