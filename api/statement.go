package api

import (
	"bytes"
	"context"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/supportledger/supportledger/audit"
)

type statementInput struct {
	ContractInput
	AfterInput
	From   string `query:"from" maxLength:"10" doc:"First day, in the contract's zone; that of its term if left out" example:"2026-03-01"`
	To     string `query:"to" maxLength:"10" doc:"Last day; today if left out" example:"2026-03-31"`
	Format string `query:"format" enum:"json,csv,text" doc:"json if left out"`
}

// A statementView is a contract's statement (R22).
type statementView struct {
	Contract    string                 `json:"contract"`
	AccessID    string                 `json:"access_id"`
	ServiceName string                 `json:"service_name"`
	Programme   string                 `json:"programme"`
	TimeZone    string                 `json:"time_zone" doc:"Whose days the period is made of"`
	Status      string                 `json:"status" doc:"At its end; empty before the contract was registered"`
	From        string                 `json:"from"`
	To          string                 `json:"to"`
	AsOf        asOfView               `json:"as_of" doc:"Up to where it is true, where its last day is not over yet"`
	Opening     map[string]balanceView `json:"opening" doc:"By unit"`
	Movements   []movementView         `json:"movements" nullable:"false" doc:"In the order in which they count"`
	Closing     map[string]balanceView `json:"closing" doc:"By unit"`
}

type movementView struct {
	At       time.Time   `json:"at" doc:"When it counts from: what lapses does so at its end, whenever that was recorded"`
	Position *uint64     `json:"position" doc:"null where nothing has recorded it yet"`
	Type     string      `json:"type" example:"incident.deducted.v1"`
	Unit     string      `json:"unit" enum:"incident,minute"`
	Change   int64       `json:"change" doc:"Of what is available; where unlimited, of what was consumed, with the other sign"`
	Grant    string      `json:"grant" example:"g1"`
	Number   *string     `json:"number" doc:"Of the incident, or of the advisory request"`
	Reason   *string     `json:"reason"`
	Balance  balanceView `json:"balance" doc:"Of the unit, afterwards"`
}

func (a *API) getStatement(ctx context.Context, c *call, in *statementInput) (*huma.StreamResponse, error) {
	id, err := contractID(in.ID)
	if err != nil {
		return nil, err
	}
	from, err := date("from", in.From)
	if err != nil {
		return nil, err
	}
	to, err := date("to", in.To)
	if err != nil {
		return nil, err
	}
	if _, err := a.position(ctx, in.After); err != nil { // what is read by key is current
		return nil, err
	}
	s, err := a.Auditor.Statement(ctx, id, from, to)
	if err != nil {
		return nil, err
	}
	var body bytes.Buffer
	kind := "application/json"
	switch in.Format {
	case "csv":
		kind, err = "text/csv; charset=utf-8", s.WriteCSV(&body)
	case "text":
		kind, err = "text/plain; charset=utf-8", s.WriteText(&body)
	default:
		err = encode(&body, renderStatement(&s))
	}
	return whole(c, kind, "statement-"+id.String(), &body), err
}

// whole answers with a body that is no JSON, or JSON among others.
func whole(c *call, kind, name string, body *bytes.Buffer) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(huma.Context) {
		c.Header().Set("Content-Type", kind)
		if ext, ok := strings.CutPrefix(kind, "text/csv"); ok && ext != "" {
			c.Header().Set("Content-Disposition", `attachment; filename="`+name+`.csv"`)
		}
		if !c.head {
			_, _ = body.WriteTo(c)
		}
	}}
}

func renderStatement(s *audit.Statement) statementView {
	v := statementView{
		Contract: s.Contract.String(), AccessID: s.AccessID, ServiceName: s.ServiceName, Programme: s.Programme, TimeZone: s.TimeZone,
		Status: string(s.Status), From: s.From.String(), To: s.To.String(), AsOf: asOf(s.AsOf),
		Opening: renderBalances(s.Opening), Movements: make([]movementView, len(s.Movements)), Closing: renderBalances(s.Closing),
	}
	for i := range s.Movements {
		m := &s.Movements[i]
		v.Movements[i] = movementView{
			At: m.At, Type: m.Type, Unit: string(m.Unit), Change: m.Change, Grant: m.Grant.String(),
			Number: orNull(m.Number), Reason: orNull(m.Reason), Balance: renderBalance(m.Balance),
		}
		if p := uint64(m.Position); p > 0 {
			v.Movements[i].Position = &p
		}
	}
	return v
}

// describeStatement tells in which forms a statement comes, which huma cannot know.
func (a *API) describeStatement() {
	view := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[statementView](), true, "Statement")
	text := &huma.Schema{Type: huma.TypeString}
	a.huma.OpenAPI().Paths["/v1/contracts/{id}/statement"].Get.Responses["200"].Content = map[string]*huma.MediaType{
		"application/json": {Schema: view}, "text/csv": {Schema: text}, "text/plain": {Schema: text},
	}
}
